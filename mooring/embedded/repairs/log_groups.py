"""Repair CloudWatch Logs: a group gets a key, or loses it, after its creation."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs

from mooring.embedded.repairs.patching import replace

ASSOCIATE, DISASSOCIATE = "AssociateKmsKey", "DisassociateKmsKey"


def apply() -> None:
    """Add the two operations to MiniStack's."""
    replace(cloudwatch_logs, "handle_request", _with_keys)


def _with_keys(original: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_request(method: str, path: str, headers: dict[str, str], body: Any, query: Any) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action in (ASSOCIATE, DISASSOCIATE):
            return _set_key(json.loads(body or b"{}"))
        return await original(method, path, headers, body, query)

    return handle_request


def _set_key(request: dict[str, Any]) -> Any:
    if "resourceIdentifier" in request:
        message = "the embedded AWS supports logGroupName, not resourceIdentifier, of a group's key"
        return error_response_json("InvalidParameterException", message, 400)
    name = request.get("logGroupName")
    if name not in cloudwatch_logs._log_groups:
        message = f"The specified log group does not exist: {name}"
        return error_response_json("ResourceNotFoundException", message, 400)
    cloudwatch_logs._log_groups[name]["kmsKeyId"] = request.get("kmsKeyId")
    return json_response({})
