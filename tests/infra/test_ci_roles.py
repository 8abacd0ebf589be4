"""The roles of CI jobs: their trust, what they may do, and that laws, boundary and quotas know them."""

from typing import Any

import pytest
import yaml

from infra.fleet import Fleet, parse
from infra.fleet.quotas import needs
from infra.parts import parts_of
from mooring import permissions
from tests.infra.laws.law import listed
from tests.infra.laws.laws import LAWS
from tests.support.synth import FLEET, Template, resources, templates_of

ISSUER = "token.actions.githubusercontent.com"
CDK = "arn:aws:iam::111111111111:role/cdk-mooring-{}-role-111111111111-us-east-1"


def ci_fleet(**stage: Any) -> Fleet:
    """Return the tests' fleet with its first environment only, and GitHub as its CI system."""
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    document["ci"] = {"provider": "github", "repository": "octo/models"}
    document["stages"] = [{"name": "dev", **stage}]
    document["teams"] = document["teams"][:1]
    document["teams"][0]["environments"] = document["teams"][0]["environments"][:1]
    return parse(document)


@pytest.fixture(scope="module")
def synthesized() -> dict[str, Template]:
    return templates_of(ci_fleet())


def ci_roles(template: Template) -> dict[str, Any]:
    found = resources(template, "AWS::IAM::Role").values()
    named = {str(role["Properties"].get("RoleName", "")): role["Properties"] for role in found}
    return {name.rpartition("-ci-")[2]: role for name, role in named.items() if "-ci-" in name}


def statements(role: Any) -> list[Any]:
    return [statement for policy in role["Policies"] for statement in listed(policy["PolicyDocument"]["Statement"])]


def test_the_deploy_role_trusts_the_branch_and_may_assume_the_roles_of_the_cdk_only(
    synthesized: dict[str, Template],
) -> None:
    role = ci_roles(synthesized["arrivals-dev-us-east-1-foundation"])["deploy"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Federated": f"arn:aws:iam::111111111111:oidc-provider/{ISSUER}"}
    subject = "repo:octo/models:ref:refs/heads/main"
    assert trust["Condition"] == {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}}
    (statement,) = statements(role)
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Resource"] == [CDK.format(kind) for kind in ("deploy", "file-publishing", "lookup")]


def test_the_plan_role_trusts_pull_requests_and_only_reads_stacks(synthesized: dict[str, Template]) -> None:
    role = ci_roles(synthesized["arrivals-dev-us-east-1-foundation"])["plan"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"][f"{ISSUER}:sub"] == "repo:octo/models:pull_request"
    actions = {action for statement in statements(role) for action in listed(statement["Action"])}
    assert actions == {"cloudformation:DescribeStacks", "cloudformation:GetTemplate", "cloudformation:ListStacks"}


def test_a_stage_with_approval_is_deployed_from_its_github_environment_on_the_branch() -> None:
    template = templates_of(ci_fleet(promotion={"approval": "manual"}))["arrivals-dev-us-east-1-foundation"]
    (trust,) = ci_roles(template)["deploy"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {
        f"{ISSUER}:aud": "sts.amazonaws.com",
        f"{ISSUER}:ref": "refs/heads/main",
        f"{ISSUER}:sub": "repo:octo/models:environment:dev",
    }


def test_every_law_holds_with_the_roles_of_a_ci_system(synthesized: dict[str, Template]) -> None:
    found = [f"{stack}: {violation}" for stack, each in synthesized.items() for law in LAWS for violation in law(each)]
    assert found == []


def test_the_boundary_admits_the_roles_actions_for_these_roles_only() -> None:
    (environment,) = ci_fleet().environments()
    found = {each["Sid"]: each for each in permissions.boundary(environment.names, [], has_ci=True)["Statement"]}
    role = "arn:aws:iam::111111111111:role/arrivals-dev-us-east-1-ci-{}"
    assert found["CiDeploys"]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": role.format("deploy")}}
    assert found["CiPlans"]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": role.format("plan")}}
    without = permissions.boundary(environment.names, [])
    assert {each["Sid"] for each in without["Statement"]} == set(found) - {"CiDeploys", "CiPlans"}


def test_the_roles_are_counted(synthesized: dict[str, Template]) -> None:
    made = sum(len(resources(template, "AWS::IAM::Role")) for template in synthesized.values())
    assert {need.needed for need in needs(ci_fleet()) if need.quota.service == "iam"} == {made}


def test_a_change_of_the_trusted_repository_is_another_part() -> None:
    (environment,) = ci_fleet().environments()
    assert environment.fleet.ci is not None
    ci = environment.fleet.ci.model_copy(update={"repository": "octo/other"})
    (other,) = environment.fleet.model_copy(update={"ci": ci}).environments()
    assert next(parts_of(environment)).key("") != next(parts_of(other)).key("")
