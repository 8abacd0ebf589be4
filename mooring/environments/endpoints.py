"""Deletes endpoints with their configs and models, which CloudFormation retains."""

import time
from collections.abc import Callable, Iterable

from botocore.exceptions import ClientError

from mooring.errors import MooringError
from pipelines.aws.clients import Services
from pipelines.flows.release.serving import is_absent

POLL_S = 1.0
TIMEOUT_S = 1800.0


def status_of(services: Services, endpoint: str) -> str | None:
    """Return an endpoint's status; None if there is no such endpoint."""
    try:
        return str(services.client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointStatus"])
    except ClientError as error:
        if is_absent(error):
            return None
        raise


def delete_serving(
    services: Services, *, endpoints: Iterable[str], configs: Iterable[str], models: Iterable[str]
) -> None:
    """Delete endpoints, wait until they are gone, then delete configs and models. What is absent is no error.

    Raises
    ------
    MooringError
        An endpoint still exists after ``TIMEOUT_S`` seconds.
    """
    sagemaker, left = services.client("sagemaker"), list(endpoints)
    for name in left:
        if status_of(services, name) not in (None, "Deleting"):
            _delete(sagemaker.delete_endpoint, EndpointName=name)
    end = time.monotonic() + TIMEOUT_S
    while left := [name for name in left if status_of(services, name)]:
        if time.monotonic() > end:
            raise MooringError(
                f"endpoint {left[0]} still exists after {TIMEOUT_S:.0f} s",
                remedy="repeat the command: it continues where it ended",
            )
        time.sleep(POLL_S)
    # A config in use must not be deleted.
    for name in configs:
        _delete(sagemaker.delete_endpoint_config, EndpointConfigName=name)
    for name in models:
        _delete(sagemaker.delete_model, ModelName=name)


def _delete(call: Callable[..., object], **name: str) -> None:
    try:
        call(**name)
    except ClientError as error:
        if not is_absent(error):
            raise
