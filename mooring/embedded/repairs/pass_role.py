"""Check ``iam:PassRole`` of requests that pass a role to Lambda, Step Functions, EventBridge or Scheduler.

MiniStack never checks it. ``sagemaker.roles``, ``services.codebuild`` and ``repairs.cloudformation`` check the roles of
their services.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import new_uuid

from mooring.embedded import identity

Handler = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]


def apply() -> None:
    """Repair the services that accept a role."""
    for service, roles in (("lambda", _lambda), ("states", _states), ("events", _events), ("scheduler", _scheduler)):
        if service not in app.SERVICE_HANDLERS:
            raise RuntimeError(f"MiniStack has no service {service}: the repair does not fit the installed version")
        app.SERVICE_HANDLERS[service] = _check(service, roles, app.SERVICE_HANDLERS[service])


def _check(service: str, roles: Callable[[str, str, str, dict[str, Any]], Iterator[str]], original: Handler) -> Handler:
    principal = f"{service}.amazonaws.com"

    async def handle(method: str, path: str, headers: dict[str, str], body: Any, query_params: dict[str, Any]) -> Any:
        for role_arn in roles(method, path, headers.get("x-amz-target", ""), _json(body)):
            try:
                identity.check_pass_role(role_arn, principal)
            except identity.AccessDeniedError:
                return iam_actions.access_denied_response(
                    service,
                    "iam:PassRole",
                    identity.principal_arn(),
                    new_uuid(),
                    headers=headers,
                    resource_arn=role_arn,
                )
        return await original(method, path, headers, body, query_params)

    return handle


def _lambda(method: str, path: str, _target: str, body: dict[str, Any]) -> Iterator[str]:
    creates = method == "POST" and path.rstrip("/").endswith("/functions")
    updates = method == "PUT" and path.endswith("/configuration")
    if (creates or updates) and body.get("Role"):
        yield body["Role"]


def _states(_method: str, _path: str, target: str, body: dict[str, Any]) -> Iterator[str]:
    if target.endswith((".CreateStateMachine", ".UpdateStateMachine")) and body.get("roleArn"):
        yield body["roleArn"]


def _events(_method: str, _path: str, target: str, body: dict[str, Any]) -> Iterator[str]:
    if target.endswith(".PutRule") and body.get("RoleArn"):
        yield body["RoleArn"]
    if target.endswith(".PutTargets"):
        yield from (entry["RoleArn"] for entry in body.get("Targets", []) if entry.get("RoleArn"))


def _scheduler(method: str, path: str, _target: str, body: dict[str, Any]) -> Iterator[str]:
    if method in ("POST", "PUT") and path.startswith("/schedules/"):
        yield from (role for role in [(body.get("Target") or {}).get("RoleArn")] if role)


def _json(body: Any) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, UnicodeDecodeError):  # a function's zip or another protocol: there is no role in it
        return {}
    return found if isinstance(found, dict) else {}
