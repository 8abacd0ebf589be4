"""The custom resource that creates absent release states, and never touches one that is there."""

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.flows.release.serving import is_absent
from pipelines.interface.release_state import ReleaseState

MAX_REASON = 1000
"""CloudFormation takes answers of at most 4,096 bytes."""
TIMEOUT_S = 10

Send = Callable[[str, bytes], None]


class EndpointServesError(RuntimeError):
    """An endpoint serves while its release state is absent: creating an empty one would take the endpoint down."""


def create_release_states(event: Mapping[str, Any], services: Services) -> None:
    """Create the release state of each of ``ResourceProperties.Models`` that has none; on Delete do nothing."""
    if event["RequestType"] == "Delete":
        return
    for name in event["ResourceProperties"]["Models"]:
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
            if _code(error) != "ParameterAlreadyExists":
                raise


def answer(event: Mapping[str, Any], services: Services, *, send: Send | None = None) -> None:
    """Do it and answer CloudFormation, whatever happens: without an answer the stack hangs for an hour."""
    status, reason = "SUCCESS", ""
    try:
        create_release_states(event, services)
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:MAX_REASON]
        print(json.dumps({"error": reason}))
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": f"{services.environment.id}-release-states",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    (send or _send)(event["ResponseURL"], json.dumps(body).encode())


def _send(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        pass


def _exists(services: Services, parameter: str) -> bool:
    try:
        services.parameter(parameter)
    except ClientError as error:
        if _code(error) == "ParameterNotFound":
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


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))
