"""Prepares an account and region for ``cdk deploy``: policies, and the CDK's own bootstrap under them.

The stack and resources of the CDK's bootstrap have names of their own, so that the bootstrap of other CDK applications
stays as it is. Without ``--cloudformation-execution-policies`` it gives CloudFormation AdministratorAccess; ours are in
``mooring.permissions``.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

from infra import fleet
from mooring import cdk, permissions, tooling_permissions
from mooring.errors import MooringError
from pipelines.interface.names import QUALIFIER, Environment

TOOLKIT_STACK = "MooringToolkit"
MAX_POLICIES = 10
"""AWS's default quota of managed policies that are attached to a role."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A part of the bootstrap that is not as this checkout writes it; ``absent`` if it does not exist."""

    what: str
    how: str
    absent: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.how}"


def bootstrap(
    environment: Environment,
    *,
    variables: dict[str, str],
    log: Path,
    on_line: Callable[[str], None] = lambda _: None,
) -> list[Difference]:
    """Write the policies of the fleet's environments in the environment's account and region, and bootstrap the CDK.

    Return what existed before and differed.

    Raises
    ------
    MooringError
        The account and region hold too many environments; ``cdk bootstrap`` failed; or its stack or role still
        differs, because CloudFormation does not undo what somebody else changed.
    """
    environments = neighbours(environment)
    if len(environments) >= MAX_POLICIES:
        raise MooringError(
            f"the fleet has {len(environments)} environments in account {environment.account}, {environment.region}:"
            f" {MAX_POLICIES - 1} are possible, because each has a policy and AWS attaches {MAX_POLICIES} to a role",
            remedy="give some of them another account or region in the fleet's file",
        )
    session = boto3.Session(
        aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
        region_name=environment.region,
    )
    before = [found for found in differences(environments, session=session) if not found.absent]
    iam, trusted = session.client("iam"), _trusted(environments)
    for arn, document in _policies(environments).items():
        _put_policy(iam, arn, document)
    cdk.run(
        [
            "bootstrap",
            f"aws://{environment.account}/{environment.region}",
            "--qualifier",
            QUALIFIER,
            "--toolkit-stack-name",
            TOOLKIT_STACK,
            "--cloudformation-execution-policies",
            ",".join(_attached(environments)),
            *(["--trust", trusted] if trusted else []),
            "--app",
            "",
        ],
        variables=variables,
        log=log,
        on_line=on_line,
    )
    # IAM may still return a policy as it was before it was written.
    if remaining := [*_of_stack(session.client("cloudformation"), environments), *_of_role(iam, environments)]:
        raise MooringError(
            f"the bootstrap is not as Mooring makes it: {'; '.join(map(str, remaining))}",
            remedy="undo these changes, which Mooring did not make, and run the command again",
        )
    return before


def neighbours(environment: Environment) -> list[Environment]:
    """Return the fleet's environments in the account and region of ``environment``, itself included, by id.

    Tooling environments are among them.
    """
    place = (environment.account, environment.region)
    listed = [each.names for each in fleet.load(cdk.fleet_file()).deployable().values()]
    found = {each for each in listed if (each.account, each.region) == place}
    return sorted({environment, *found}, key=lambda each: each.id)


class Session(Protocol):
    """Makes clients by the name of a service, as ``boto3.Session`` does."""

    @property
    def client(self) -> Callable[..., Any]: ...


def differences(environments: Sequence[Environment], *, session: Session) -> list[Difference]:
    """Return how the bootstrap of one account and region differs from what ``bootstrap`` writes.

    ``environments`` are all of the fleet's in that account and region (``neighbours``). The policies, the toolkit stack
    and CloudFormation's role are compared; somebody else may have changed them, or another release of Mooring wrote
    them.
    """
    iam = session.client("iam")
    return [
        *_of_policies(iam, environments),
        *_of_stack(session.client("cloudformation"), environments),
        *_of_role(iam, environments),
    ]


def _policies(environments: Sequence[Environment]) -> dict[str, dict[str, Any]]:
    """Return the documents of all policies by ARN."""
    account = environments[0].account
    named = {permissions.COMMON: permissions.common(account)}
    listed = {each.names: each for each in fleet.load(cdk.fleet_file()).deployable().values()}
    for each in environments:
        found = listed.get(each)
        if found and found.is_tooling:
            team = [other.names for other in listed.values() if other.team is found.team and not other.is_tooling]
            source = found.fleet.tooling.source if found.fleet.tooling else None
            connection = source.connection if source else None
            limit = tooling_permissions.boundary(each, team, connection)
            named |= {each.boundary: limit, each.deployer: tooling_permissions.deployer(each, connection)}
        else:
            limit = permissions.boundary(each, found.trainers() if found else [], found.promotion() if found else None)
            named |= {each.boundary: limit, each.deployer: permissions.deployer(each)}
    return {_arn(account, name): document for name, document in named.items()}


def _trusted(environments: Sequence[Environment]) -> str:
    """Return the account whose pipelines deploy here; "" if none does, or if it is this one."""
    loaded = fleet.load(cdk.fleet_file())
    if loaded.tooling is None or loaded.tooling.account == environments[0].account:
        return ""
    return loaded.tooling.account


def _attached(environments: Sequence[Environment]) -> list[str]:
    """Return the ARNs of the policies that CloudFormation's role has."""
    account = environments[0].account
    return [_arn(account, name) for name in (permissions.COMMON, *(each.deployer for each in environments))]


def _arn(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:policy/{name}"


def _put_policy(iam: Any, arn: str, document: dict[str, Any]) -> None:
    current = _document(iam, arn)
    if current is None:
        iam.create_policy(
            PolicyName=arn.rpartition("/")[2], PolicyDocument=json.dumps(document), Description="By mooring bootstrap"
        )
    elif current != document:
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            # A policy has five versions at most, so the older ones are deleted first.
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)


def _document(iam: Any, arn: str) -> dict[str, Any] | None:
    """Return the document of a policy's default version; None without such a policy."""
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
    document: dict[str, Any] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return document


def _of_policies(iam: Any, environments: Sequence[Environment]) -> Iterator[Difference]:
    for arn, document in _policies(environments).items():
        current = _document(iam, arn)
        if current is None:
            yield Difference(what=arn, how="is absent", absent=True)
        elif current != document:
            ours, theirs = _by_sid(document), _by_sid(current)
            changed = sorted(sid for sid in {*ours, *theirs} if ours.get(sid) != theirs.get(sid))
            yield Difference(what=arn, how=f"has other statements: {', '.join(changed)}")


def _by_sid(document: dict[str, Any]) -> dict[str, Any]:
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return {statement.get("Sid", f"number {number}"): statement for number, statement in enumerate(listed, 1)}


def _of_stack(cloudformation: Any, environments: Sequence[Environment]) -> Iterator[Difference]:
    what = f"stack {TOOLKIT_STACK}"
    try:
        (stack,) = cloudformation.describe_stacks(StackName=TOOLKIT_STACK)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        yield Difference(what=what, how="is absent", absent=True)
        return
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        yield Difference(what=what, how=f"is in {stack['StackStatus']}")
    values = {each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])}
    wanted = {
        "Qualifier": QUALIFIER,
        "CloudFormationExecutionPolicies": ",".join(_attached(environments)),
        "InputPermissionsBoundary": "",
        "TrustedAccounts": _trusted(environments),
        "TrustedAccountsForLookup": "",
    }
    for name, value in wanted.items():
        if values.get(name, "") != value:
            yield Difference(what=what, how=f"has {name} {values.get(name, '')!r} instead of {value!r}")


def _of_role(iam: Any, environments: Sequence[Environment]) -> Iterator[Difference]:
    place = environments[0]
    name = f"cdk-{QUALIFIER}-cfn-exec-role-{place.account}-{place.region}"
    what = f"role {name}"
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        yield Difference(what=what, how="is absent", absent=True)
        return
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    attached = {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}
    wanted = set(_attached(environments))
    if attached - wanted:
        yield Difference(what=what, how=f"has the foreign policies {', '.join(sorted(attached - wanted))}")
    if wanted - attached:
        yield Difference(what=what, how=f"lacks {', '.join(sorted(wanted - attached))}")
    if inline := iam.list_role_policies(RoleName=name)["PolicyNames"]:
        yield Difference(what=what, how=f"has the inline policies {', '.join(inline)}")
    statements = role["AssumeRolePolicyDocument"]["Statement"]
    trusted = [statement.get("Principal") for statement in statements]
    if trusted != [{"Service": "cloudformation.amazonaws.com"}]:
        yield Difference(what=what, how=f"trusts {json.dumps(trusted)} instead of CloudFormation alone")
