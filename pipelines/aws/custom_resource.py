"""Answers CloudFormation for a custom resource; without an answer its stack hangs for an hour."""

import json
import urllib.request
from collections.abc import Callable, Mapping

from pipelines.interface import log

MAX_REASON = 1000
"""Largest number of characters of a reason: CloudFormation accepts answers of at most 4,096 bytes."""
TIMEOUT_S = 10

Send = Callable[[str, bytes], None]


def respond(
    event: Mapping[str, object], resource_id: str, act: Callable[[], None], *, send: Send | None = None
) -> None:
    """Act, and send the outcome to where the event says; a failure is logged, not raised."""
    status, reason = "SUCCESS", ""
    try:
        act()
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:MAX_REASON]
        log.failure(error)
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": resource_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    (send or _send)(str(event["ResponseURL"]), json.dumps(body).encode())


def properties_of(event: Mapping[str, object], *names: str) -> dict[str, object]:
    """Return these properties of the resource. CloudFormation adds others, such as ServiceTimeout."""
    properties = event.get("ResourceProperties")
    return {name: properties.get(name) for name in names} if isinstance(properties, Mapping) else {}


def _send(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        pass
