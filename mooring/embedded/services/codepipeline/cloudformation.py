"""The type AWS::CodePipeline::Pipeline: it calls the API's operations under the stack's role."""

from typing import Any

from ministack.services.cloudformation import provisioners

from mooring.embedded.services.codepipeline import operations, service, starts, store
from mooring.embedded.services.codepipeline.errors import CodePipelineError
from mooring.embedded.services.codepipeline.store import Record

TYPE = "AWS::CodePipeline::Pipeline"
_OF_PIPELINES = ("ArtifactStore", "ExecutionMode", "PipelineType", "RoleArn", "Stages", "Variables")
_MAX_NAME = 100

Answer = tuple[str, dict[str, str]]
"""A pipeline's name, which is its physical id, and its attributes."""


class StackError(Exception):
    """Failure to create, update or delete a pipeline; CloudFormation shows the text as the resource's reason."""


def register() -> None:
    """Add the type to MiniStack's stacks."""
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    provisioners._REPLACING_PROPERTIES[TYPE] = ("Name",)


def _create(logical_id: str, props: Record, stack: str) -> Answer:
    name = props.get("Name") or provisioners._physical_name(stack, logical_id, max_len=_MAX_NAME)
    tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in props.get("Tags", [])]
    request = {"pipeline": _declaration(name, props), **({"tags": tags} if tags else {})}
    return _made(_call("CreatePipeline", request))


def _update(name: str, old: Record, new: Record, _stack: str) -> Answer:
    declared = _declaration(name, new)
    if declared == _declaration(name, old):
        return name, _attributes(store.pipeline(name).declaration)
    answer = _made(_call("UpdatePipeline", {"pipeline": declared}))
    if new.get("RestartExecutionOnUpdate") in (True, "true"):
        trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": "cloudformation.amazonaws.com"}
        starts.begin(store.pipeline(name), {}, trigger)
    return answer


def _delete(name: str, _props: Record) -> None:
    _call("DeletePipeline", {"name": name})


def _made(answer: Record) -> Answer:
    return answer["pipeline"]["name"], _attributes(answer["pipeline"])


def _attributes(declaration: Record) -> dict[str, str]:
    return {"Version": str(declaration["version"])}


def _declaration(name: str, props: Record) -> Record:
    known = {*_OF_PIPELINES, "Name", "RestartExecutionOnUpdate", "Tags"}
    if unknown := sorted(props.keys() - known):
        raise StackError(f"the embedded AWS does not support {TYPE} with {', '.join(unknown)}")
    given = {key: _renamed(props[key]) for key in _OF_PIPELINES if key in props}
    request = {"pipeline": {"name": name, **{f"{key[0].lower()}{key[1:]}": value for key, value in given.items()}}}
    declared: Record = operations.API.coerce("CreatePipeline", request)["pipeline"]
    return declared


def _renamed(value: Any) -> Any:
    """Return the properties with the names of the API; the keys of a configuration are its own."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        f"{name[:1].lower()}{name[1:]}": item if name == "Configuration" else _renamed(item)
        for name, item in value.items()
    }


def _call(operation: str, request: Record) -> Record:
    try:
        return service.call(operation, request)
    except CodePipelineError as error:
        raise StackError(f"{error.message} (Service: AWSCodePipeline, Error Code: {error.code})") from error
