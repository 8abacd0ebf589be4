"""Add CloudFormation's SageMaker resource types: they call the API's operations under the stack's role."""

import contextlib

from ministack.services.cloudformation import provisioners, stacks

from mooring.embedded.repairs import imports
from mooring.embedded.repairs.patching import replace
from mooring.embedded.sagemaker import endpoints, operations, service, store
from mooring.embedded.sagemaker.errors import SageMakerError
from mooring.embedded.sagemaker.store import Record

_KINDS = {f"AWS::SageMaker::{prefix}": kind for kind, prefix in store.KINDS.items() if not kind.endswith("-job")}
del _KINDS["AWS::SageMaker::ModelPackage"]

_REPLACING = {
    "AWS::SageMaker::Model": (
        "Containers EnableNetworkIsolation ExecutionRoleArn InferenceExecutionConfig ModelName PrimaryContainer Tags"
        " VpcConfig"
    ),
    "AWS::SageMaker::EndpointConfig": (
        "AsyncInferenceConfig DataCaptureConfig EnableNetworkIsolation EndpointConfigName ExecutionRoleArn"
        " ExplainerConfig KmsKeyId MetricsConfig ProductionVariants ShadowProductionVariants Tags VpcConfig"
    ),
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName ModelPackageGroupDescription",
}
_ENDPOINT_REQUEST = ("EndpointName", "EndpointConfigName", "Tags")
_WAIT_S = 600.0
_MAX_NAME = 63

Answer = tuple[str, dict[str, str]]
"""A resource's physical id (its ARN) and its attributes."""


class StackError(Exception):
    """Failure to create, update or delete a resource; CloudFormation shows the text as the resource's reason."""


def register() -> None:
    """Add SageMaker's types to MiniStack's stacks."""
    for resource_type in _KINDS:
        handler = _Handler(resource_type)
        provisioners._RESOURCE_HANDLERS[resource_type] = {
            "create": handler.create,
            "update": handler.update,
            "delete": handler.delete,
        }
        imports.add(resource_type, f"{resource_type.rpartition(':')[2]}Arn", handler.read)
        provisioners._REPLACING_PROPERTIES[resource_type] = tuple(_REPLACING[resource_type].split())
        provisioners._STACK_TAG_PROPERTY[resource_type] = ("Tags", "list")
    replace(
        stacks,
        "_runs_on_worker_thread",
        lambda original: lambda resource_type: resource_type in _KINDS or original(resource_type),
    )


class _Handler:
    """Create, update and delete handlers of one resource type."""

    def __init__(self, resource_type: str) -> None:
        self._type = resource_type
        self._noun = resource_type.rpartition(":")[2]
        self._kind = _KINDS[resource_type]

    def create(self, logical_id: str, props: Record, _stack: str) -> Answer:
        """Create the resource; delete an endpoint that does not reach InService, then raise."""
        name = props.get(f"{self._noun}Name") or f"{logical_id[: _MAX_NAME - 13]}-{store.suffix()}"
        arn = str(self._call("Create", {**props, f"{self._noun}Name": name})[f"{self._noun}Arn"])
        if self._noun == "Endpoint":
            self._await_service(name)
        return arn, self._attributes(name)

    def update(self, arn: str, old: Record, new: Record, _stack: str) -> Answer:
        """Update in place what needs no replacement: an endpoint's config, and tags."""
        name = arn.partition("/")[2]
        if self._noun == "Endpoint":
            self._update_endpoint(name, new)
        self._set_tags(arn, old.get("Tags", []), new.get("Tags", []))
        return arn, self._attributes(name)

    def read(self, arn: str) -> dict[str, str] | None:
        """Return the attributes of a resource that exists, else None."""
        record = store.region().records[self._kind].get(arn.partition("/")[2])
        return self._attributes(record[f"{self._noun}Name"]) if record and record[f"{self._noun}Arn"] == arn else None

    def delete(self, arn: str, _props: Record) -> None:
        """Delete the resource; do nothing if it does not exist."""
        name = arn.partition("/")[2]
        if name not in store.region().records[self._kind]:
            return
        if self._noun == "Endpoint":
            endpoints.find(name).wait_settled(_WAIT_S)
        self._call("Delete", {f"{self._noun}Name": name})

    def _update_endpoint(self, name: str, new: Record) -> None:
        wanted = str(new["EndpointConfigName"])
        self._check_update(new)
        record = endpoints.find(name).wait_settled(_WAIT_S)
        if record["EndpointConfigName"] == wanted and record["EndpointStatus"] == "InService":
            return
        names = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties")
        retained = {name: new[name] for name in names if name in new}
        self._call("Update", {"EndpointName": name, "EndpointConfigName": wanted, **retained})
        record = endpoints.find(name).wait_settled(_WAIT_S)
        if record["EndpointConfigName"] != wanted or record["EndpointStatus"] != "InService":
            raise StackError(
                f"Endpoint {name} was not updated to {wanted} and keeps {record['EndpointConfigName']}:"
                f" {record.get('FailureReason')}"
            )

    def _check_update(self, new: Record) -> None:
        neutral = {"RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig"}
        known = {"EndpointName", "EndpointConfigName", "Tags"} | neutral
        if unknown := sorted(set(new) - known):
            raise StackError(
                f"the embedded AWS does not support {self._type} with {', '.join(unknown)}:"
                f" remove it from the template (supported: {', '.join(sorted(known))})"
            )

    def _await_service(self, name: str) -> None:
        record = endpoints.find(name).wait_settled(_WAIT_S)
        if record["EndpointStatus"] != "InService":
            reason = record.get("FailureReason", f"still {record['EndpointStatus']} after {_WAIT_S:.0f} s")
            with contextlib.suppress(SageMakerError):
                self._call("Delete", {"EndpointName": name})
            raise StackError(f"Endpoint {name} did not reach InService: {reason}")

    def _set_tags(self, arn: str, old: list[Record], new: list[Record]) -> None:
        if old == new:
            return
        if gone := {tag["Key"] for tag in old} - {tag["Key"] for tag in new}:
            self._call("DeleteTags", {"ResourceArn": arn, "TagKeys": sorted(gone)}, whole=True)
        if new:
            self._call("AddTags", {"ResourceArn": arn, "Tags": new}, whole=True)

    def _call(self, verb: str, request: Record, *, whole: bool = False) -> Record:
        operation = verb if whole else f"{verb}{self._noun}"
        if operation == "CreateEndpoint":
            self._check_update(request)
            request = {name: value for name, value in request.items() if name in _ENDPOINT_REQUEST}
        try:
            return service.call(operation, operations.API.coerce(operation, request))
        except SageMakerError as error:
            raise StackError(f"{error.message} (Service: SageMaker, Error Code: {error.code})") from error

    def _attributes(self, name: str) -> dict[str, str]:
        record = store.get(self._kind, name)
        attributes = {f"{self._noun}Name": name, f"{self._noun}Arn": record[f"{self._noun}Arn"]}
        return attributes | {"Id": record[f"{self._noun}Arn"], "CreationTime": record["CreationTime"].isoformat()}
