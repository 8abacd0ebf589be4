"""Replace MiniStack's AWS::CodeBuild::Project: the type calls the API's operations under the stack's role."""

from typing import Any

from ministack.services.cloudformation import provisioners

from mooring.embedded.repairs import imports
from mooring.embedded.services.codebuild import operations, projects, service, store
from mooring.embedded.services.codebuild.errors import CodeBuildError
from mooring.embedded.services.codebuild.store import Record

TYPE = "AWS::CodeBuild::Project"
_RENAMED = {"BuildSpec": "buildspec", "InsecureSsl": "insecureSsl", "InsecureSSL": "insecureSsl"}
_MAX_NAME = 150

Answer = tuple[str, dict[str, str]]
"""A project's name, which is its physical id, and its attributes."""


class StackError(Exception):
    """Failure to create, update or delete a project; CloudFormation shows the text as the resource's reason."""


def register() -> None:
    """Replace the type in MiniStack's stacks."""
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    provisioners._REPLACING_PROPERTIES[TYPE] = ("Name",)
    imports.add(TYPE, "Id", _read)


def _create(logical_id: str, props: Record, stack: str) -> Answer:
    name = props.get("Name") or provisioners._physical_name(stack, logical_id, max_len=_MAX_NAME)
    project = _call("CreateProject", _request(props) | {"name": name})["project"]
    return project["name"], _attributes(project)


def _update(name: str, _old: Record, new: Record, _stack: str) -> Answer:
    # A property that the template no longer has goes back to its default.
    request = projects.defaults() | {"concurrentBuildLimit": -1} | _request(new) | {"name": name}
    return name, _attributes(_call("UpdateProject", request)["project"])


def _delete(name: str, _props: Record) -> None:
    _call("DeleteProject", {"name": name})


def _read(name: str) -> dict[str, str] | None:
    project = store.region().projects.get(name)
    return None if project is None else _attributes(project)


def _attributes(project: Record) -> dict[str, str]:
    return {"Arn": project["arn"], "Id": project["name"]}


def _request(props: Record) -> Record:
    given = dict(props)
    if given.pop("Visibility", "PRIVATE") != "PRIVATE":
        raise StackError(f"the embedded AWS does not support {TYPE} with Visibility {props['Visibility']}")
    if given.pop("Triggers", {}).get("Webhook") in (True, "true"):
        raise StackError(f"the embedded AWS does not support {TYPE} with Triggers.Webhook")
    request: Record = operations.API.coerce("CreateProject", _renamed(given))
    return request


def _renamed(value: Any) -> Any:
    """Return the properties with the names of the API."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_RENAMED.get(name, f"{name[:1].lower()}{name[1:]}"): _renamed(item) for name, item in value.items()}


def _call(operation: str, request: Record) -> Record:
    try:
        return service.call(operation, request)
    except CodeBuildError as error:
        raise StackError(f"{error.message} (Service: AWSCodeBuild, Error Code: {error.code})") from error
