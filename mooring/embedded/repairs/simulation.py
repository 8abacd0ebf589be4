"""Repair IAM's SimulatePrincipalPolicy: every resource, the context of the request, and the permissions boundary.

MiniStack simulates the first resource only and ignores the rest. Policies of the resources are not part of a
simulation, here as in AWS; of service control policies the embedded AWS has none.
"""

from collections.abc import Callable
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


def apply() -> None:
    """Repair IAM."""
    if "SimulatePrincipalPolicy" not in iam._IAM_HANDLERS:
        raise RuntimeError("IAM has no SimulatePrincipalPolicy: the repair does not fit the installed version")
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate_principal_policy


def simulate_principal_policy(request: dict[str, Any]) -> Any:
    """Handle SimulatePrincipalPolicy, for roles and users."""
    source = iam._p(request, "PolicySourceArn")
    kind, _, path = source.rpartition(":")[2].partition("/")
    account, name = get_account_id(), path.rpartition("/")[2]
    stores = {
        "role": (iam._roles, iam_evaluator._gather_role_policies),
        "user": (iam._users, iam_evaluator._gather_user_policies),
    }
    if kind not in stores:
        message = f"the embedded AWS simulates the policies of roles and users, not of {source}"
        return iam._error(400, "InvalidInput", message, ns="iam")
    store, gather = stores[kind]
    if store.get_scoped(account, None, name) is None:
        return iam._error(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.", ns="iam")
    policies, limits = gather(name, account), iam_evaluator._permissions_boundary(store, name, account)

    def decide(action: str, resource: str) -> str:
        asked = iam_evaluator.EvalContext(
            principal_arn=source,
            principal_type="AssumedRole" if kind == "role" else "User",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=get_region(),
            secure_transport=True,
            service_context=_context(request),
        )
        return DECISIONS[iam_evaluator.evaluate(asked, policies, *limits).decision]

    results = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{decide(action, resource)}</EvalDecision></member>"
        for action in _members(request, "ActionNames.member.{}")
        for resource in _members(request, "ResourceArns.member.{}") or ["*"]
    )
    answer = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        f"<SimulatePrincipalPolicyResult>{answer}</SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def _context(request: dict[str, Any]) -> dict[str, str | list[str]]:
    """Return the condition keys of the request that is simulated, as the evaluator wants them."""
    context: dict[str, str | list[str]] = {}
    for entry in _numbered(lambda number: iam._p(request, f"ContextEntries.member.{number}.ContextKeyName")):
        prefix = f"ContextEntries.member.{entry[0]}"
        values = _members(request, f"{prefix}.ContextKeyValues.member.{{}}")
        is_list = iam._p(request, f"{prefix}.ContextKeyType").endswith("List")
        context[entry[1].lower()] = values if is_list or len(values) > 1 else values[0]
    return context


def _members(request: dict[str, Any], pattern: str) -> list[str]:
    return [value for _, value in _numbered(lambda number: iam._p(request, pattern.format(number)))]


def _numbered(read: Callable[[int], str]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for number in count(1):
        if not (value := read(number)):
            return found
        found.append((number, value))
    return found
