"""``mooring bootstrap`` names what differs from what it writes; the CDK's part is a stack with the same parameters."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from mooring import bootstrap, permissions
from mooring.errors import MooringError
from pipelines.interface.names import QUALIFIER, Environment
from tests.support.embedded_aws import EmbeddedAws
from tests.unit.infra.fleet.document import fleet_document

ACCOUNT, REGION = "424242424242", "us-east-1"
ONE = Environment(team="arrivals", stage="dev", account=ACCOUNT, region=REGION)
TWO = Environment(team="network", stage="dev", account=ACCOUNT, region=REGION)
ROLE = f"cdk-{QUALIFIER}-cfn-exec-role-{ACCOUNT}-{REGION}"
ALL = {"Version": "2012-10-17", "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
DEFAULTS = {
    "Qualifier": QUALIFIER,
    "InputPermissionsBoundary": "",
    "TrustedAccounts": "",
    "TrustedAccountsForLookup": "",
}


@pytest.fixture
def session(embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """Return a session of an account that the test empties at its end."""
    for name, value in embedded_aws.variables(ACCOUNT, REGION).items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(region_name=REGION)
    yield session
    _empty(session)


def _empty(session: boto3.Session) -> None:
    iam, cloudformation = session.client("iam"), session.client("cloudformation")
    for stack in cloudformation.describe_stacks()["Stacks"]:
        cloudformation.delete_stack(StackName=stack["StackName"])
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=inline)
        iam.delete_role(RoleName=name)
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        for version in iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=policy["Arn"], VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=policy["Arn"])


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


ATTACHED = [arn(permissions.COMMON), arn(ONE.deployer), arn(TWO.deployer)]


def wait(cloudformation: Any) -> None:
    while cloudformation.describe_stacks()["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS"):
        pass


def prepare(session: boto3.Session, **parameters: str) -> None:
    """Make what ``mooring bootstrap`` makes for two environments; ``parameters`` are others of the toolkit stack."""
    iam = session.client("iam")
    documents = {permissions.COMMON: permissions.common(ONE.account)}
    for each in (ONE, TWO):
        documents |= {each.boundary: permissions.boundary(each, []), each.deployer: permissions.deployer(each)}
    for name, document in documents.items():
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    for policy in ATTACHED:
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy)
    given = DEFAULTS | {"CloudFormationExecutionPolicies": ",".join(ATTACHED)} | parameters
    template = {
        "Parameters": {name: {"Type": "String", "Default": ""} for name in given},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    cloudformation = session.client("cloudformation")
    cloudformation.create_stack(
        StackName=bootstrap.TOOLKIT_STACK,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    wait(cloudformation)


def test_new_account_lacks_everything(session: boto3.Session) -> None:
    found = bootstrap.differences([ONE, TWO], session=session)
    assert [each.what for each in found] == [
        arn(permissions.COMMON),
        arn(ONE.boundary),
        arn(ONE.deployer),
        arn(TWO.boundary),
        arn(TWO.deployer),
        "stack MooringToolkit",
        f"role {ROLE}",
    ]
    assert all(each.absent for each in found)


def test_what_bootstrap_writes_does_not_differ(session: boto3.Session) -> None:
    prepare(session)
    assert bootstrap.differences([ONE, TWO], session=session) == []


def _rewrite(iam: Any, name: str) -> None:
    iam.create_policy_version(PolicyArn=arn(name), PolicyDocument=json.dumps(ALL), SetAsDefault=True)


def _open_trust(iam: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps({"Statement": [statement]}))


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "boundary": (
        lambda iam: _rewrite(iam, ONE.boundary),
        f"{arn(ONE.boundary)} has other statements: All, Code, Image",
    ),
    "deployer": (lambda iam: _rewrite(iam, TWO.deployer), f"{arn(TWO.deployer)} has other statements: All"),
    "attached": (
        lambda iam: iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
        f"role {ROLE} has the foreign policies arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    "detached": (
        lambda iam: iam.detach_role_policy(RoleName=ROLE, PolicyArn=arn(ONE.deployer)),
        f"role {ROLE} lacks {arn(ONE.deployer)}",
    ),
    "inline": (
        lambda iam: iam.put_role_policy(RoleName=ROLE, PolicyName="all", PolicyDocument=json.dumps(ALL)),
        f"role {ROLE} has the inline policies all",
    ),
    "trust": (_open_trust, f'role {ROLE} trusts [{{"AWS": "*"}}] instead of CloudFormation alone'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_foreign_change_is_named(session: boto3.Session, change: str) -> None:
    prepare(session)
    make, text = CHANGES[change]
    make(session.client("iam"))
    (found,) = bootstrap.differences([ONE, TWO], session=session)
    assert str(found).startswith(text)
    assert not found.absent


def test_trusted_account_of_the_toolkit_stack_is_named(session: boto3.Session) -> None:
    prepare(session, TrustedAccounts="999999999999")
    (found,) = bootstrap.differences([ONE, TWO], session=session)
    assert str(found) == "stack MooringToolkit has TrustedAccounts '999999999999' instead of ''"


def test_environment_that_the_fleet_added_is_named(session: boto3.Session) -> None:
    prepare(session)
    added = Environment(team="added", stage="dev", account=ACCOUNT, region=REGION)
    found = [str(each) for each in bootstrap.differences([ONE, TWO, added], session=session)]
    assert f"{arn(added.boundary)} is absent" in found
    assert f"role {ROLE} lacks {arn(added.deployer)}" in found


def test_more_environments_than_policies_of_a_role_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(__file__).parent.parent.joinpath("support", "fleet.yaml").read_text()
    listed = '      - {stage: dev, account: "111111111111", region: us-east-1}\n'
    team = text[text.index("  - name: network") :]
    own = team[: team.index("      - {stage: staging")].replace(
        '"222222222221", region: eu-west-1', '"111111111111", region: us-east-1'
    )
    models = team[team.index("    models:") :]
    more = "".join((own + models).replace("name: network", f"name: team{number}") for number in range(9))
    assert listed in text
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(text + more)
    monkeypatch.setenv("MOORING_FLEET", str(fleet))
    environment = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")
    assert len(bootstrap.neighbours(environment)) == 10
    with pytest.raises(MooringError, match="10 environments in account 111111111111, us-east-1: 9 are possible"):
        bootstrap.bootstrap(environment, variables={}, log=tmp_path / "log")


def test_pipelines_of_another_account_are_trusted(
    session: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = fleet_document()
    document["tooling"] = {"account": "434343434343", "region": REGION}
    document["stages"][2]["promotion"] = {"approval": "manual"}
    (tmp_path / "fleet.yaml").write_text(json.dumps(document))
    monkeypatch.setenv("MOORING_FLEET", str(tmp_path / "fleet.yaml"))
    prepare(session)
    found = [str(difference) for difference in bootstrap.differences([ONE, TWO], session=session)]
    assert "stack MooringToolkit has TrustedAccounts '' instead of '434343434343'" in found
    tooling = Environment(team="arrivals", stage="tooling", account="434343434343", region=REGION)
    assert bootstrap.neighbours(tooling) == [
        tooling,
        Environment(team="network", stage="tooling", account="434343434343", region=REGION),
    ]
