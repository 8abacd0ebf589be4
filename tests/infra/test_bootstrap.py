"""The policies of ``mooring bootstrap`` admit every template and every role, by name, within IAM's limits."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from infra.fleet.promotion import Promotion
from infra.functions import FUNCTIONS
from mooring import permissions
from mooring.embedded.repairs.resource_actions import TABLE
from pipelines.interface.names import LONGEST_FUNCTION, LONGEST_RULE, Environment
from tests.infra.laws.law import listed
from tests.support.synth import Template, example_fleet, resources

ENVIRONMENTS = {each.names.id: each.names for each in example_fleet().environments()}
LONGEST = Environment(team="a" * 16, stage="b" * 8, account="1" * 12, region="ap-southeast-4")
"""An environment whose id is as long as the names of its buckets admit."""
MAX_POLICY = 6144
"""IAM's limit for a managed policy, in characters without white space."""
PREFIXES = {
    "ApplicationAutoScaling": "application-autoscaling",
    "StepFunctions": "states",
    "Budgets": "budgets",
}
"""Prefixes of actions that are not the resource type's service in small letters."""
REFERENCE: dict[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
"""AWS's service authorization reference in cfn-lint: the kinds of resources of each action."""
NEEDED = (
    "iam:UpdateRoleDescription",
    "iam:UpdateAssumeRolePolicy",
    "iam:CreateServiceLinkedRole",
    "kms:CreateKey",
    "kms:PutKeyPolicy",
    "kms:CreateGrant",
    "kms:ListAliases",
    "logs:AssociateKmsKey",
    "logs:PutRetentionPolicy",
    "logs:ListLogDeliveries",
    "lambda:CreateEventSourceMapping",
    "lambda:PublishLayerVersion",
    "lambda:InvokeFunction",
    "s3:PutBucketPolicy",
    "budgets:ModifyBudget",
    "budgets:ViewBudget",
    "ssm:GetParameters",
)
"""Actions that CloudFormation's handlers call besides creating, updating and deleting."""
GENERATED_AT_MOST = {"AWS::Events::Archive": 48, "AWS::Events::Rule": 64, "AWS::IAM::Role": 64}
"""Lengths to which CloudFormation shortens the names that it makes, stack's name included."""


def deployment(environment: Environment) -> list[Template]:
    """Return the statements under which CloudFormation deploys the environment's stacks."""
    documents = (permissions.deployer(environment), permissions.common(environment.account))
    return [statement for document in documents for statement in document["Statement"]]


def admits(statements: list[Template], action: str, resource: str) -> bool:
    """Return whether a statement allows the action on the resource; a wildcard in ``resource`` must be covered."""
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in statements
    )


def environment_of(stack: str) -> Environment:
    (found,) = (names for name, names in ENVIRONMENTS.items() if stack.startswith(f"{name}-"))
    return found


def arn_of(stack: str, logical_id: str, resource: Template) -> str:
    """Return a resource's ARN, with a name that CloudFormation could make if the template has none."""
    actions, environment = TABLE[resource["Type"]], environment_of(stack)
    assert actions is not None
    properties = resource.get("Properties", {})
    name = str(properties.get(actions.name) or f"{stack}-{logical_id}"[-GENERATED_AT_MOST.get(resource["Type"], 255) :])
    return actions.arn.format(
        region=environment.region,
        account=environment.account,
        name=name.lstrip("/") if actions.arn.endswith("/{name}") else name,
        group="default",
    )


def named(templates: dict[str, Template]) -> Iterator[tuple[str, str, str, Template]]:
    """Yield stack, logical id, ARN and resource of all resources of the types in the embedded AWS's table."""
    for stack, template in templates.items():
        for logical_id, resource in resources(template).items():
            if TABLE.get(resource["Type"]) is not None:
                yield stack, logical_id, arn_of(stack, logical_id, resource), resource


PROMOTION = Promotion(
    tooling=LONGEST,
    trainers=(LONGEST, LONGEST),
    source=LONGEST,
    following=(LONGEST,),
    later=(LONGEST,),
    stages=("first", "second", "third"),
)


@pytest.mark.parametrize(
    "document",
    [
        permissions.boundary(LONGEST, [LONGEST, LONGEST], PROMOTION, has_ci=True),
        permissions.deployer(LONGEST),
        permissions.common(LONGEST.account),
    ],
    ids=["boundary", "deployer", "common"],
)
def test_policies_fit_into_managed_policies(document: Template) -> None:
    assert max(len(name) - longest for _, name, longest in LONGEST.limits()) == 0
    assert len(json.dumps(document, separators=(",", ":"))) <= MAX_POLICY


def test_limits_of_names_know_the_longest_function_and_rule(templates: dict[str, Template]) -> None:
    rules = {
        resource["Properties"]["Name"].removeprefix(f"{environment_of(stack).id}-")
        for stack, template in templates.items()
        for resource in resources(template, "AWS::Events::Rule").values()
    }
    assert len(LONGEST_RULE) == max(map(len, rules))
    assert len(LONGEST_FUNCTION) == max(len(spec.name) for spec in FUNCTIONS)


def test_policy_admits_every_service_of_the_templates(templates: dict[str, Template]) -> None:
    kinds = {resource["Type"] for template in templates.values() for resource in resources(template).values()}
    services = {kind.split("::")[1] for kind in kinds if kind.startswith("AWS::")} - {"CDK"}
    wanted = {PREFIXES.get(service, service.lower()) for service in services}
    allowed = {action.split(":")[0] for statement in deployment(LONGEST) for action in listed(statement["Action"])}
    assert wanted - allowed == set()


def test_policy_admits_every_resource_of_the_templates_by_its_name(templates: dict[str, Template]) -> None:
    refused = [
        f"{stack}/{logical_id}: {action} on {arn}"
        for stack, logical_id, arn, resource in named(templates)
        for action in TABLE[resource["Type"]][:3]  # type: ignore[index]
        if not admits(deployment(environment_of(stack)), action, "*" if action == "kms:CreateKey" else arn)
    ]
    assert refused == [], "give the resource a name that begins with the environment's id"


def test_policy_admits_no_resource_of_another_environment(templates: dict[str, Template]) -> None:
    other = Environment(team="other", stage="dev", account="111111111111", region="us-east-1")
    shared = ("AWS::Events::Archive", "AWS::Budgets::Budget", "AWS::KMS::Key", "AWS::Lambda::EventSourceMapping")
    admitted = [
        f"{action} on {arn}"
        for stack, _, arn, resource in named(templates)
        if resource["Type"] not in shared and environment_of(stack).account == other.account
        for action in TABLE[resource["Type"]][:3]  # type: ignore[index]
        if admits(deployment(other), action, arn)
    ]
    assert admitted == []


def test_boundary_admits_all_that_the_roles_may_do(templates: dict[str, Template]) -> None:
    refused = []
    for stack, template in templates.items():
        environment = environment_of(stack)
        trainers = example_fleet().environment(environment.id).trainers()
        statements = permissions.boundary(environment, trainers)["Statement"]
        for name, role in resources(template, "AWS::IAM::Role").items():
            for policy in role["Properties"]["Policies"]:
                for statement in listed(policy["PolicyDocument"]["Statement"]):
                    for action in listed(statement["Action"]):
                        for resource in listed(statement["Resource"]):
                            arn = resolved(stack, template, resource)
                            if not admits(statements, action, arn):
                                refused.append(f"{stack}/{name}: {action} on {arn}")
    assert refused == []


def test_boundary_admits_the_buses_of_the_environments_that_train_and_no_others() -> None:
    staging = example_fleet().environment("arrivals-staging-us-east-1")
    (dev,) = staging.trainers()
    statements = permissions.boundary(staging.names, staging.trainers())["Statement"]
    # Of a team whose name begins alike, in the account of staging: there no policy of the bus would refuse.
    other = Environment(team="arrivals-freight", stage="dev", account=staging.names.account, region=dev.region)
    buses = {each.id: each.arn("events", f"event-bus/{each.bus}") for each in (dev, other)}
    assert [name for name, bus in buses.items() if admits(statements, "events:PutEvents", bus)] == [dev.id]


def resolved(stack: str, template: Template, resource: Any) -> str:
    """Return the ARN that a policy names, or the resource of its template; parameters hold the key's ARN."""
    if isinstance(resource, str):
        return resource
    environment = environment_of(stack)
    logical_id = resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0]
    if logical_id in template.get("Parameters", {}):
        return environment.arn("kms", "key/1")
    return arn_of(stack, logical_id, template["Resources"][logical_id])


@pytest.mark.parametrize("action", NEEDED)
def test_policy_allows_the_actions_that_cloudformation_calls(action: str) -> None:
    allowed = [action for statement in deployment(LONGEST) for action in listed(statement["Action"])]
    assert any(fnmatchcase(action, pattern) for pattern in allowed)


@pytest.mark.parametrize("action", NEEDED)
def test_actions_without_a_resource_are_allowed_on_everything(action: str) -> None:
    service, _, name = action.partition(":")
    kinds = REFERENCE[service]["Actions"][name.lower()].get("Resources")
    assert kinds or admits(deployment(LONGEST), action, "*")


def test_roles_are_written_below_the_boundary_of_their_environment_only() -> None:
    writes = {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"}
    for statement in deployment(LONGEST):
        if statement["Effect"] == "Allow" and writes & set(listed(statement["Action"])):
            assert statement["Condition"]["StringEquals"] == {"iam:PermissionsBoundary": LONGEST.boundary_arn}
            assert statement["Resource"] == [LONGEST.role_arn(f"{LONGEST.id}-*")]


def test_no_statement_allows_to_write_policies() -> None:
    for action in ("CreatePolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy"):
        assert not admits(deployment(LONGEST), f"iam:{action}", LONGEST.boundary_arn)
