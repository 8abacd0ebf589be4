"""What really serves: the Serving stack's resolved value, and the chain endpoint -> config -> model -> package."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.interface import keys
from pipelines.interface.names import Model

SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
FAILED = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED")
NOTHING_TO_DO = "No updates are to be performed"


class ServingBrokenError(RuntimeError):
    """The Serving stack is missing, or in a state that only a person can mend."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What an endpoint runs on; ``packages`` are those of its production variants, traffic goes to ``capture_uri``."""

    status: str
    config: str
    models: tuple[str, ...]
    packages: tuple[str, ...]
    capture_uri: str
    failure: str


def read_stack(services: Services, model: Model) -> dict[str, Any]:
    """The Serving stack's description; raises ``ServingBrokenError`` if there is none."""
    name = model.stack("serving")
    try:
        return dict(services.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])
    except ClientError as error:
        if "does not exist" in str(error):
            raise ServingBrokenError(f"there is no stack {name}: deploy it first") from error
        raise


def resolved_value(stack: Mapping[str, Any], model: Model) -> str:
    """The release state that the stack was last updated to, as CloudFormation resolved it."""
    for parameter in stack.get("Parameters", []):
        if parameter.get("ParameterValue") == model.release_parameter:
            return str(parameter.get("ResolvedValue", ""))
    raise ServingBrokenError(f"{stack['StackName']} has no parameter that reads {model.release_parameter}")


def read_chain(services: Services, model: Model) -> Chain | None:
    """What the endpoint leads to, or None if there is no endpoint."""
    sagemaker = services.client("sagemaker")
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=model.endpoint)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    models = tuple(variant["ModelName"] for variant in config["ProductionVariants"])
    described = [sagemaker.describe_model(ModelName=name) for name in models]
    return Chain(
        status=endpoint["EndpointStatus"],
        config=endpoint["EndpointConfigName"],
        models=models,
        packages=tuple(map(_package, described)),
        capture_uri=endpoint.get("DataCaptureConfig", {}).get("DestinationS3Uri", ""),
        failure=endpoint.get("FailureReason", ""),
    )


def is_absent(error: ClientError) -> bool:
    """SageMaker says "Could not find …" in a ValidationException where other services have an error of its own."""
    return "could not find" in str(error).lower()


def _package(model: Mapping[str, Any]) -> str:
    container = model.get("PrimaryContainer") or (model.get("Containers") or [{}])[0]
    return str(container.get("ModelPackageName", ""))


def leads_to(chain: Chain | None, package_arn: str | None) -> bool:
    """Whether the endpoint is in service on that package alone; without a package, whether there is no endpoint."""
    if package_arn is None:
        return chain is None
    return chain is not None and chain.status == "InService" and set(chain.packages) == {package_arn}


def read_serving(event: Mapping[str, Any], services: Services) -> dict[str, str]:
    """``status``: updating, complete or failed; complete means settled on the release state as it is now."""
    model = services.environment.model(event["model"])
    stack = read_stack(services, model)
    status = stack["StackStatus"]
    if status in FAILED:
        return {"status": "failed", "reason": _reason(services, stack)}
    if status not in SETTLED:
        return {"status": "updating", "reason": status}
    wanted, resolved = services.parameter(model.release_parameter), resolved_value(stack, model)
    if wanted == resolved:
        return {"status": "complete", "reason": status}
    return {
        "status": "failed",
        "reason": f"{_reason(services, stack)}; the stack stands at {resolved}, not at {wanted}",
    }


def _reason(services: Services, stack: Mapping[str, Any]) -> str:
    """What CloudFormation says of the last failure: the oldest failed resource of the newest update."""
    failed = f"{stack['StackStatus']} {stack.get('StackStatusReason', '')}".strip()
    events = services.client("cloudformation").describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    for event in events:
        if event["ResourceStatus"].endswith("_FAILED"):
            failed = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        if event["ResourceStatus"] == "UPDATE_IN_PROGRESS" and event["LogicalResourceId"] == stack["StackName"]:
            break
    return failed


def update_serving(event: Mapping[str, Any], services: Services) -> dict[str, bool]:
    """Update the Serving stack to the release state; with ``restore`` put the previous state back first.

    CloudFormation acts under the release deployer role, with the stack's own template: only the release state's value
    can have changed. That nothing is to be updated is success, since a retry or a ``cdk deploy`` may have been faster.
    """
    model = services.environment.model(event["model"])
    cloudformation = services.client("cloudformation")
    role = services.environment.role_arn(services.environment.release_deployer_role)
    stack = read_stack(services, model)
    if event.get("restore"):
        _remember_orphans(services, model)
        services.put_parameter(model.release_parameter, event["restore"]["previous"])
        if stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
            cloudformation.continue_update_rollback(StackName=stack["StackName"], RoleARN=role)
            return {"changed": True}
    try:
        cloudformation.update_stack(
            StackName=stack["StackName"],
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
                for parameter in stack.get("Parameters", [])
            ],
            Capabilities=stack.get("Capabilities", []),
            RoleARN=role,
        )
    except ClientError as error:
        if NOTHING_TO_DO in str(error):
            return {"changed": False}
        raise
    return {"changed": True}


def _remember_orphans(services: Services, model: Model) -> None:
    """What the failed release brought into service is left behind when its predecessor returns: for the sweep."""
    chain, pk = read_chain(services, model), keys.model_pk(model.name)
    if chain and services.ledger.get(pk, keys.RELEASE_LOCK):
        services.ledger.update(pk, keys.RELEASE_LOCK, {"orphans": leftovers(chain)})


def leftovers(chain: Chain | None) -> dict[str, Any]:
    """The names that the sweep deletes once nothing refers to them."""
    return {"configs": [chain.config], "models": list(chain.models)} if chain else {"configs": [], "models": []}
