"""IAM authorization of the calls that the server makes in-process on behalf of a principal.

MiniStack authorizes HTTP requests only. This module authorizes the calls that no HTTP request carries: a state
machine's tasks, a stack's resources, the targets of rules and schedules, SageMaker's jobs. It uses MiniStack's
evaluator, with identity policies, permissions boundary, session policies and the resource's policy.

The principal is the role of the innermost ``acting_as``, else the caller of the HTTP request that led here::

    with acting_as(machine_role):
        authorize("lambda:InvokeFunction", function_arn)
"""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts
from ministack.services.tagging import resource_tags

_role: ContextVar[str] = ContextVar("mooring_role", default="")
caller_key: ContextVar[str] = ContextVar("mooring_caller_key", default="")
"""Access key of the HTTP request that is served; ``repairs.door`` sets it."""


class AccessDeniedError(Exception):
    """Refusal by IAM; the text is the one that IAM gives."""


@contextmanager
def acting_as(role_arn: str) -> Iterator[None]:
    """Make ``role_arn`` the acting principal of the block, and of threads and tasks that copy its context."""
    token = _role.set(role_arn)
    try:
        yield
    finally:
        _role.reset(token)


def acting_role() -> str:
    """Return the ARN of the acting role, or an empty string if the caller of an HTTP request acts."""
    return _role.get()


def principal_arn() -> str:
    """Return the ARN of the acting principal."""
    return str(_principal().arn)


def authorize(action: str, resource: str, *, context: Mapping[str, Any] | None = None) -> None:
    """Check that the acting principal may do ``action`` on ``resource``.

    ``context`` holds condition keys of the service; a value is a string or a list of strings.

    Raises
    ------
    AccessDeniedError
        A policy denies the action, or no policy allows it.
    """
    principal = _principal()
    if principal.policies is None:
        return
    request = _request(principal, action, resource, context)
    service = action.partition(":")[0]
    result = iam_evaluator.evaluate(request, principal.policies, *principal.limits)
    policy = iam_evaluator._resource_policy(service, resource)
    if policy is not None:
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(
            result, request, *policy, required=required, limits=principal.limits
        )
    if result.decision != "Allow":
        why = "with an explicit deny" if result.decision == "Deny" else f"because no policy allows the {action} action"
        raise AccessDeniedError(
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource} {why}"
        )


def decision_of(
    policy: str | dict[str, Any] | None, action: str, resource: str, *, context: Mapping[str, Any] | None = None
) -> str:
    """Return what a resource's policy alone decides for the acting principal: Allow, Deny or ImplicitDeny."""
    request = _request(_principal(), action, resource, context)
    return str(iam_evaluator.evaluate_resource_policy(policy, request).decision)


def authorize_somewhere(action: str) -> None:
    """Check that the acting principal may do ``action`` on at least one resource.

    CloudFormation's handlers call some actions on resources that only AWS knows.

    Raises
    ------
    AccessDeniedError
        No policy, or no statement of the permissions boundary, allows the action on any resource.
    """
    principal = _principal()
    if principal.policies is None:
        return
    for documents in (principal.policies, *principal.limits):
        allowed = any(
            statement.effect == "Allow"
            and iam_evaluator._action_matches(action, statement.actions, statement.not_actions)
            for statements in documents
            for statement in statements
        )
        if not allowed:
            raise AccessDeniedError(
                f"User: {principal.arn} is not authorized to perform: {action} on any resource "
                f"because no policy allows the {action} action"
            )


def check_pass_role(role_arn: str, service: str) -> None:
    """Check that the acting principal may pass ``role_arn`` to ``service`` (such as ``lambda.amazonaws.com``).

    Raises
    ------
    AccessDeniedError
        The principal is not allowed ``iam:PassRole`` on the role.
    """
    authorize("iam:PassRole", role_arn, context={"iam:PassedToService": service})


def require_trust(role_arn: str, service: str, *, source_arn: str = "") -> None:
    """Check that the role exists and that its trust policy allows ``service`` to assume it.

    Raises
    ------
    AccessDeniedError
        The role does not exist, or does not trust the service for this account and ``source_arn``.
    """
    account, name = _account(role_arn), role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        raise AccessDeniedError(f"The role {role_arn} does not exist")
    request = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="AWSService",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourceaccount": get_account_id(), "aws:sourcearn": source_arn or None},
    )
    trust = iam_evaluator.parse_policy_document(_statements_for(role, service))
    if iam_evaluator.evaluate(request, [trust]).decision != "Allow":
        raise AccessDeniedError(
            f"{service} is not authorized to assume the role {role_arn}: its trust policy does not allow the service"
        )


def assume(
    role_arn: str, *, service: str, session_name: str, source_arn: str = "", lifetime_s: float = 12 * 3600
) -> dict[str, str]:
    """Return credentials of the role for a process of ``service``, as ``AWS_*`` variables.

    Raises
    ------
    AccessDeniedError
        The role does not exist, or does not trust the service.
    """
    require_trust(role_arn, service, source_arn=source_arn)
    account, name = _account(role_arn), role_arn.rpartition("/")[2]
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(40)
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
            "UserId": f"{iam._roles.get_scoped(account, None, name)['RoleId']}:{session_name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + lifetime_s,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def _request(principal: Any, action: str, resource: str, context: Mapping[str, Any] | None) -> Any:
    keys = {name.lower(): value for name, value in (context or {}).items()}
    keys.setdefault("aws:tagkeys", None)
    for name, value in (resource_tags(resource) or {}).items():
        keys.setdefault(f"aws:resourcetag/{name}".lower(), value)
    return iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        # The services call each other over TLS, even if the first request came over plain HTTP.
        secure_transport=True,
        service_context=keys,
        principal_keys=principal.keys,
    )


def _principal() -> Any:
    if not (role_arn := _role.get()):
        if not (key := caller_key.get()):
            raise AccessDeniedError("no principal acts here: there is neither a role nor the caller of an HTTP request")
        # The caller's account is its key's; a request for another account's bucket is served in the bucket's account.
        principal = iam_evaluator.resolve_principal(key, iam_evaluator.find_iam_access_key_account(key) or key)
        if isinstance(principal, iam_evaluator.AuthError):
            raise AccessDeniedError(principal.message)
        return principal
    account, name = _account(role_arn), role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        raise AccessDeniedError(f"The role {role_arn} does not exist")
    tags = {f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in role.get("Tags") or []}
    return iam_evaluator.PrincipalInfo(
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/mooring",
        type="AssumedRole",
        account=account,
        policies=iam_evaluator._gather_role_policies(name, account),
        limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
        keys={"aws:userid": role["RoleId"], "aws:principaltype": "AssumedRole"} | tags,
    )


def _statements_for(role: Mapping[str, Any], service: str) -> dict[str, Any]:
    document = json.loads(role["AssumeRolePolicyDocument"])
    statements = document.get("Statement", [])
    named = [
        {**statement, "Resource": "*"}
        for statement in (statements if isinstance(statements, list) else [statements])
        if iam_evaluator._service_principal_matches(statement.get("Principal"), service)
    ]
    return {"Statement": named}


def _account(arn: str) -> str:
    return arn.split(":")[4]
