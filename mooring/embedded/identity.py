"""Who acts, and whether IAM lets them: for what the server does in-process on somebody's behalf.

MiniStack enforces IAM at its HTTP door. What happens behind it (a state machine's tasks, a stack's resources, the
targets of rules and schedules, SageMaker's jobs) is authorised here, with MiniStack's own evaluator: identity policies,
permissions boundary, session policies and the resource's policy.

The principal is the role of the innermost ``acting_as``, else the caller of the HTTP request that led here.

>>> with acting_as(machine_role):
...     authorize("lambda:InvokeFunction", function_arn)
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
"""The access key of the HTTP request that is served; the repaired door sets it."""


class AccessDeniedError(Exception):
    """The acting principal may not do this; the text is IAM's."""


@contextmanager
def acting_as(role_arn: str) -> Iterator[None]:
    """What runs inside, and the threads and tasks that copy its context, acts under the role."""
    token = _role.set(role_arn)
    try:
        yield
    finally:
        _role.reset(token)


def acting_role() -> str:
    """The ARN of the role that acts, or an empty string if the caller of an HTTP request acts."""
    return _role.get()


def principal_arn() -> str:
    """The ARN of whoever acts."""
    return str(_principal().arn)


def authorize(action: str, resource: str, *, context: Mapping[str, Any] | None = None) -> None:
    """Let the acting principal do ``action`` on ``resource``, or refuse.

    ``context`` holds condition keys of the service; a value is a string or a list of strings.

    Raises
    ------
    AccessDeniedError
        A policy denies it, or none allows it.
    """
    who = _principal()
    if who.policies is None:
        return
    keys = {name.lower(): value for name, value in (context or {}).items()}
    keys.setdefault("aws:tagkeys", None)
    for name, value in (resource_tags(resource) or {}).items():
        keys.setdefault(f"aws:resourcetag/{name}".lower(), value)
    asked = iam_evaluator.EvalContext(
        principal_arn=who.arn,
        principal_type=who.type,
        principal_account=who.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        # The services call each other over TLS, whatever brought the request here.
        secure_transport=True,
        service_context=keys,
        principal_keys=who.keys,
    )
    service = action.partition(":")[0]
    result = iam_evaluator.evaluate(asked, who.policies, *who.limits)
    found = iam_evaluator._resource_policy(service, resource)
    if found is not None:
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(result, asked, *found, required=required, limits=who.limits)
    if result.decision != "Allow":
        why = "with an explicit deny" if result.decision == "Deny" else f"because no policy allows the {action} action"
        raise AccessDeniedError(f"User: {who.arn} is not authorized to perform: {action} on resource: {resource} {why}")


def check_pass_role(role_arn: str, service: str) -> None:
    """Check that the acting principal may pass ``role_arn`` to ``service`` (such as ``lambda.amazonaws.com``).

    Raises
    ------
    AccessDeniedError
        ``iam:PassRole`` is not allowed.
    """
    authorize("iam:PassRole", role_arn, context={"iam:PassedToService": service})


def require_trust(role_arn: str, service: str, *, source_arn: str = "") -> None:
    """Check that the role exists and that its trust policy lets ``service`` assume it.

    Raises
    ------
    AccessDeniedError
        It does not exist, or does not trust the service for this account and ``source_arn``.
    """
    account, name = _account(role_arn), role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        raise AccessDeniedError(f"The role {role_arn} does not exist")
    asked = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="AWSService",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourceaccount": get_account_id(), "aws:sourcearn": source_arn or None},
    )
    named = iam_evaluator.parse_policy_document(_statements_for(role, service))
    if iam_evaluator.evaluate(asked, [named]).decision != "Allow":
        raise AccessDeniedError(
            f"{service} is not authorized to assume the role {role_arn}: its trust policy does not admit it"
        )


def assume(role_arn: str, *, service: str, session_name: str, lifetime_s: float = 12 * 3600) -> dict[str, str]:
    """Credentials of the role for a process of ``service``, as ``AWS_*`` variables.

    Raises
    ------
    AccessDeniedError
        The role does not exist, or does not trust the service.
    """
    require_trust(role_arn, service)
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


def _principal() -> Any:
    if not (role_arn := _role.get()):
        if not (key := caller_key.get()):
            raise AccessDeniedError("nobody acts here: neither a role nor the caller of a request")
        who = iam_evaluator.resolve_principal(key, get_account_id())
        if isinstance(who, iam_evaluator.AuthError):
            raise AccessDeniedError(who.message)
        return who
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
