"""Complete what IAM is told of a request: the condition keys and resources that ``mooring bootstrap``'s policies name.

MiniStack gives ``lambda:CreateFunction``, ``iam:CreatePolicy`` and ``kms:CreateAlias`` no resource. It does not set
``iam:PermissionsBoundary``, ``iam:PolicyARN``, ``lambda:FunctionArn`` and the keys of ``keys.conditions``, and it sets
``aws:ResourceTag`` only if an identity policy names it. ``aws:PrincipalArn`` of a role's session is the role's ARN on
AWS, and the session's in MiniStack. A statement that allows something under such a condition would
allow nothing, and one that denies it would deny nothing.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, kms
from ministack.services.tagging import resource_tags

from mooring.embedded.repairs import keys
from mooring.embedded.repairs.patching import replace

_NEW_BOUNDARY = ("iam:CreateRole", "iam:PutRolePermissionsBoundary")
"""Actions whose condition key is the boundary of the request; for others it is the role's."""


def apply() -> None:
    """Complete IAM's requests."""
    replace(iam_actions, "request_tag_context", _add_keys)
    replace(iam_actions, "extract_resource_arn", _add_created)
    replace(iam_evaluator, "evaluate", _add_tags_for_limits)
    replace(iam_evaluator, "_resolve_condition_key", _with_role_arn)


def _with_role_arn(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_condition_key(key: str, context: Any) -> Any:
        found = original(key, context)
        if key.lower() == "aws:principalarn" and ":assumed-role/" in str(found):
            account, name = found.split(":")[4], found.partition(":assumed-role/")[2].partition("/")[0]
            role = iam._roles.get_scoped(account, None, name)
            return role["Arn"] if role else found
        return found

    return resolve_condition_key


def role_keys(name: str) -> dict[str, Any]:
    """Return the condition keys of an action on an existing role."""
    return {"iam:PermissionsBoundary": (iam._roles.get(name) or {}).get("PermissionsBoundary")}


def mapping_keys(function: str) -> dict[str, Any]:
    """Return the condition key of an event source mapping, whose function is given by name or ARN."""
    arn = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{function}"
    return {"lambda:FunctionArn": function if function.startswith("arn:") else arn} if function else {}


def _add_keys(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        context = original(service, iam_action, body, params)
        if service == "iam" and (role := _first(params, "RoleName")):
            of_role = role_keys(role)
            if iam_action in _NEW_BOUNDARY:
                of_role = {"iam:PermissionsBoundary": _first(params, "PermissionsBoundary") or None}
            policy = _first(params, "PolicyArn")
            return {**context, **of_role, **({"iam:PolicyARN": policy} if policy else {})}
        if service == "kms":
            return {**context, **keys.conditions(_json(body))}
        if iam_action == "lambda:CreateEventSourceMapping":
            return {**context, **mapping_keys(str(_json(body).get("FunctionName", "")))}
        return context

    return request_tag_context


def _add_created(original: Callable[..., str]) -> Callable[..., str]:
    """Return the ARN of the resource where MiniStack returns ``*``."""

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, params: dict[str, Any], *place: str
    ) -> str:
        region, account = place
        if service == "lambda" and method == "POST" and path.rstrip("/").endswith("/functions"):
            return f"arn:aws:lambda:{region}:{account}:function:{_json(body).get('FunctionName', '')}"
        if service == "iam" and _first(params, "Action") == "CreatePolicy":
            return f"arn:aws:iam::{account}:policy/{_first(params, 'PolicyName')}"
        if service == "kms" and (key := kms._resolve_key(_json(body).get("TargetKeyId") or "")):
            return str(key["Arn"])  # AWS checks the alias as well
        if service == "kms" and (arn := keys.key_arn(str(_json(body).get("KeyId") or ""))):
            return arn
        return original(service, method, path, headers, body, params, *place)

    return extract_resource_arn


def _add_tags_for_limits(original: Callable[..., Any]) -> Callable[..., Any]:
    """Set ``aws:ResourceTag`` also if only the permissions boundary or a session policy names it."""

    def evaluate(request: Any, policies: Any, *limits: Any) -> Any:
        if any(iam_evaluator._names_condition_key(limit, "aws:resourcetag/") for limit in limits):
            for name, value in (resource_tags(request.resource_arn) or {}).items():
                request.service_context.setdefault(f"aws:resourcetag/{name}".lower(), value)
        return original(request, policies, *limits)

    return evaluate


def _first(params: dict[str, Any], name: str) -> str:
    value = params.get(name) or ""
    return str(value[0]) if isinstance(value, list) else str(value)


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
