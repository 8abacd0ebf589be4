"""Reads and updates the Serving stack, and follows an endpoint to its config, models and packages."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipelines.aws.client import Answer
from pipelines.aws.clients import Services
from pipelines.interface import keys, log
from pipelines.interface.names import Model
from pipelines.interface.records import Leftovers, ReleaseOrphans
from pipelines.interface.requests import ReadServingRequest, ServingStatus, ServingUpdate, UpdateServingRequest

SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
FAILED = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED")
NOTHING_TO_DO = "No updates are to be performed"


class ServingBrokenError(RuntimeError):
    """The Serving stack is missing, or in a state that only a person can repair."""


@dataclass(frozen=True, kw_only=True)
class ServingStack:
    """The Serving stack of a model; ``resolved`` is the release state of its last update."""

    name: str
    status: str
    status_reason: str
    resolved: str
    parameter_keys: tuple[str, ...]
    capabilities: tuple[str, ...]

    @property
    def is_broken(self) -> bool:
        return self.status in FAILED

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED


@dataclass(frozen=True, kw_only=True)
class EndpointChain:
    """The endpoint's config, and the models and packages of its production variants.

    Traffic is captured to ``capture_uri``.
    """

    status: str
    config: str
    models: tuple[str, ...]
    packages: tuple[str, ...]
    capture_uri: str
    failure: str


def read_stack(services: Services, model: Model) -> ServingStack:
    """Return the Serving stack; raise ``ServingBrokenError`` if there is none that reads the release state."""
    name = model.stack("serving")
    try:
        found = services.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            raise ServingBrokenError(f"there is no stack {name}: deploy it first") from error
        raise
    parameters = found.get("Parameters", [])
    resolved = [
        str(parameter.get("ResolvedValue", ""))
        for parameter in parameters
        if parameter.get("ParameterValue") == model.release_parameter
    ]
    if not resolved:
        raise ServingBrokenError(
            f"{name} has no parameter that reads {model.release_parameter}: deploy the stack again"
        )
    return ServingStack(
        name=found["StackName"],
        status=found["StackStatus"],
        status_reason=found.get("StackStatusReason", ""),
        resolved=resolved[0],
        parameter_keys=tuple(parameter["ParameterKey"] for parameter in parameters),
        capabilities=tuple(found.get("Capabilities", [])),
    )


def read_chain(services: Services, model: Model) -> EndpointChain | None:
    """Return the endpoint's config, models and packages, or None if there is no endpoint."""
    sagemaker = services.client("sagemaker")
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=model.endpoint)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    models = tuple(variant["ModelName"] for variant in config["ProductionVariants"])
    return EndpointChain(
        status=endpoint["EndpointStatus"],
        config=endpoint["EndpointConfigName"],
        models=models,
        packages=tuple(_package_of(sagemaker.describe_model(ModelName=name)) for name in models),
        capture_uri=endpoint.get("DataCaptureConfig", {}).get("DestinationS3Uri", ""),
        failure=endpoint.get("FailureReason", ""),
    )


def is_absent(error: ClientError) -> bool:
    """Return whether SageMaker did not find a resource: it has no error code for that, only "Could not find …"."""
    return "could not find" in str(error).lower()


def _package_of(model: Answer) -> str:
    container = model.get("PrimaryContainer") or (model.get("Containers") or [{}])[0]
    return str(container.get("ModelPackageName", ""))


def leads_to(chain: EndpointChain | None, package_arn: str | None) -> bool:
    """Return whether the endpoint is in service on that package alone; without a package, whether there is none."""
    if package_arn is None:
        return chain is None
    return chain is not None and chain.status == "InService" and set(chain.packages) == {package_arn}


def read_serving(request: ReadServingRequest, services: Services) -> ServingStatus:
    """Return whether the Serving stack's last update has ended, with the current release state."""
    model = services.environment.model(request.model)
    stack = read_stack(services, model)
    if stack.is_broken:
        return ServingStatus(status="failed", reason=_reason(services, stack))
    if not stack.is_settled:
        return ServingStatus(status="updating", reason=stack.status)
    wanted = services.parameter(model.release_parameter)
    if wanted == stack.resolved:
        return ServingStatus(status="complete", reason=stack.status)
    reason = f"{_reason(services, stack)}; the stack has the release state {stack.resolved}, not {wanted}"
    return ServingStatus(status="failed", reason=reason)


def _reason(services: Services, stack: ServingStack) -> str:
    """Return CloudFormation's reason of the last failure: that of the first resource that failed in the last update."""
    failed = f"{stack.status} {stack.status_reason}".strip()
    events = services.client("cloudformation").describe_stack_events(StackName=stack.name)["StackEvents"]
    for event in events:
        if event["ResourceStatus"].endswith("_FAILED"):
            failed = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        if event["ResourceStatus"] == "UPDATE_IN_PROGRESS" and event["LogicalResourceId"] == stack.name:
            break
    return failed


def update_serving(request: UpdateServingRequest, services: Services) -> ServingUpdate:
    """Update the Serving stack to the release state; with ``restore``, restore the previous state first.

    CloudFormation acts under the release deployer role, with the stack's own template: only the release state's value
    can have changed. "No updates" is success, since a retry or a ``cdk deploy`` may have updated the stack before.
    """
    model = services.environment.model(request.model)
    cloudformation = services.client("cloudformation")
    role = services.environment.role_arn(services.environment.release_deployer_role)
    stack = read_stack(services, model)
    if request.restore:
        _record_orphans(services, model)
        services.put_parameter(model.release_parameter, request.restore.previous)
        log.info("release state restored", state=request.restore.previous)
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            cloudformation.continue_update_rollback(StackName=stack.name, RoleARN=role)
            return ServingUpdate(changed=True)
    try:
        cloudformation.update_stack(
            StackName=stack.name,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in stack.parameter_keys],
            Capabilities=list(stack.capabilities),
            RoleARN=role,
        )
    except ClientError as error:
        if NOTHING_TO_DO in str(error):
            return ServingUpdate(changed=False)
        raise
    return ServingUpdate(changed=True)


def _record_orphans(services: Services, model: Model) -> None:
    """Record the failed release's config and models, so that the sweep deletes them after the restoration."""
    chain, lock = read_chain(services, model), keys.release_lock(model.name)
    if chain and services.ledger.get(lock):
        services.ledger.update(lock, ReleaseOrphans(orphans=leftovers(chain)))


def leftovers(chain: EndpointChain | None) -> Leftovers:
    """Return the names that the sweep deletes when nothing refers to them any more."""
    return Leftovers(configs=(chain.config,), models=chain.models) if chain else Leftovers()
