"""The custom resource that creates absent release states and never changes an existing one."""

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.transient import persistently
from pipelines.flows.release.serving import is_absent
from pipelines.interface import log
from pipelines.interface.codec import read
from pipelines.interface.release_state import ReleaseState

MAX_REASON = 1000
"""Largest number of characters of a reason: CloudFormation accepts answers of at most 4,096 bytes."""
TIMEOUT_S = 10
PATIENCE_S = 200
"""Seconds for which throttled calls are repeated. The function has 300, and must answer within them."""

Send = Callable[[str, bytes], None]


class EndpointServesError(RuntimeError):
    """An endpoint serves while its release state is absent: creating an empty one would take the endpoint down."""


@dataclass(frozen=True, kw_only=True)
class ResourceProperties:
    """The properties of the custom resource: the names of the environment's models."""

    Models: tuple[str, ...]


def answer(
    event: Mapping[str, object],
    services: Services,
    *,
    send: Send | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Create the absent release states and answer CloudFormation; without an answer the stack hangs for an hour.

    CloudFormation repeats nothing, so throttled calls are repeated here: a state that exists is found, and kept.
    """
    status, reason = "SUCCESS", ""
    try:
        if event["RequestType"] != "Delete":
            models = _models(event)
            persistently(lambda: create_release_states(models, services), for_s=PATIENCE_S, sleep=sleep)
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:MAX_REASON]
        log.failure(error)
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": f"{services.environment.id}-release-states",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    (send or _send)(str(event["ResponseURL"]), json.dumps(body).encode())


def create_release_states(models: tuple[str, ...], services: Services) -> None:
    """Create the release state of each model that has none.

    Raises
    ------
    EndpointServesError
        A model without a release state has an endpoint.
    """
    for name in models:
        model = services.environment.model(name)
        if _exists(services, model.release_parameter):
            continue
        if _serves(services, model.endpoint):
            raise EndpointServesError(
                f"{model.release_parameter} is absent, but endpoint {model.endpoint} serves: restore the parameter "
                "from the ledger's newest release before you deploy"
            )
        try:
            services.client("ssm").put_parameter(
                Name=model.release_parameter, Value=ReleaseState().to_value(), Type="StringList", Overwrite=False
            )
        except ClientError as error:
            if code_of(error) != "ParameterAlreadyExists":
                raise
        log.info("release state created", parameter=model.release_parameter)


def _models(event: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of the models. CloudFormation adds properties of its own, such as ServiceTimeout."""
    properties = event.get("ResourceProperties")
    ours = {"Models": properties.get("Models")} if isinstance(properties, Mapping) else {}
    return read(ResourceProperties, ours).Models


def _send(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        pass


def _exists(services: Services, parameter: str) -> bool:
    try:
        services.parameter(parameter)
    except ClientError as error:
        if code_of(error) == "ParameterNotFound":
            return False
        raise
    return True


def _serves(services: Services, endpoint: str) -> bool:
    try:
        services.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if is_absent(error):
            return False
        raise
    return True
