"""Cost Explorer's cost allocation tags: the tags of stacks, which an account activates for its bill."""

import json
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import AccountScopedDict, get_account_id
from ministack.services import cloudformation

SERVICE = "ce"
_active: Any = AccountScopedDict()
"""Time of activation by key of the tag."""


class BillingError(Exception):
    """Refusal of a request: it is not valid."""


def register() -> None:
    """Add the service to the server."""
    router.SERVICE_PATTERNS[SERVICE] = {
        "target_prefixes": ["AWSInsightsIndexService"],
        "host_patterns": [r"^ce\."],
        "credential_scope": SERVICE,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    app.SERVICE_HANDLERS[SERVICE] = handle_request


async def handle_request(_method: str, _path: str, headers: dict[str, str], body: Any, _query: dict[str, Any]) -> Any:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation not in OPERATIONS:
        message = f"the embedded AWS does not support {operation}; it supports {', '.join(OPERATIONS)}"
        return _answer(400, {"__type": "ValidationException", "message": message})
    try:
        return _answer(200, OPERATIONS[operation](json.loads(body or b"{}")))
    except BillingError as error:
        return _answer(400, {"__type": "ValidationException", "message": str(error)})


def list_tags(request: dict[str, Any]) -> dict[str, Any]:
    """Handle ListCostAllocationTags."""
    wanted, status = request.get("TagKeys"), request.get("Status")
    found = [
        {"TagKey": key, "Type": "UserDefined", "Status": "Active" if key in _active else "Inactive"}
        for key in sorted(_used())
        if not wanted or key in wanted
    ]
    return {"CostAllocationTags": [tag for tag in found if status in (None, tag["Status"])]}


def update_tags(request: dict[str, Any]) -> dict[str, Any]:
    """Handle UpdateCostAllocationTagsStatus; a key that no resource has is an error of that key."""
    errors = []
    for entry in request.get("CostAllocationTagsStatus", []):
        key, status = entry["TagKey"], entry["Status"]
        if status not in ("Active", "Inactive"):
            raise BillingError(f"Status is {status!r}, not Active or Inactive")
        if key not in _used():
            errors.append({"TagKey": key, "Code": "TagKeyNotFound", "Message": f"No resource has the tag {key}"})
        elif status == "Active":
            _active[key] = time.time()
        else:
            _active.pop(key, None)
    return {"Errors": errors}


def _used() -> set[str]:
    """Return the keys of the tags of the account's stacks; AWS finds those of other resources as well, in a day."""
    return {
        tag["Key"]
        for (account, _region, _name), stack in cloudformation._stacks._data.items()
        if account == get_account_id()
        for tag in stack.get("Tags") or []
    }


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "ListCostAllocationTags": list_tags,
    "UpdateCostAllocationTagsStatus": update_tags,
}


def _answer(status: int, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()
