"""The policy under which CloudFormation deploys admits every service of the templates, within IAM's limit."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from mooring.bootstrap import deployment_policy
from tests.support.synth import Template, resources

ACCOUNT = "111111111111"
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
    "iam:ListPolicyVersions",
    "iam:CreatePolicyVersion",
    "iam:ListEntitiesForPolicy",
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


def allowed() -> list[str]:
    return [action for statement in deployment_policy(ACCOUNT)["Statement"] for action in _listed(statement["Action"])]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_policy_fits_into_a_managed_policy() -> None:
    assert len(json.dumps(deployment_policy(ACCOUNT), separators=(",", ":"))) <= MAX_POLICY


def test_policy_admits_every_service_of_the_templates(templates: dict[str, Template]) -> None:
    kinds = {resource["Type"] for template in templates.values() for resource in resources(template).values()}
    services = {kind.split("::")[1] for kind in kinds if kind.startswith("AWS::")} - {"CDK"}
    wanted = {PREFIXES.get(service, service.lower()) for service in services}
    assert wanted - {action.split(":")[0] for action in allowed()} == set()


@pytest.mark.parametrize("action", NEEDED)
def test_policy_allows_the_actions_that_cloudformation_calls(action: str) -> None:
    assert any(fnmatchcase(action, pattern) for pattern in allowed())


@pytest.mark.parametrize("action", NEEDED)
def test_actions_without_a_resource_are_allowed_on_everything(action: str) -> None:
    service, _, name = action.partition(":")
    kinds = REFERENCE[service]["Actions"][name.lower()].get("Resources")
    statements = deployment_policy(ACCOUNT)["Statement"]
    covering = [one for one in statements if any(fnmatchcase(action, pattern) for pattern in _listed(one["Action"]))]
    assert kinds or any("*" in _listed(one["Resource"]) for one in covering)


def test_roles_are_created_with_a_boundary_only() -> None:
    for statement in deployment_policy(ACCOUNT)["Statement"]:
        if "iam:CreateRole" in _listed(statement["Action"]):
            assert "iam:PermissionsBoundary" in json.dumps(statement["Condition"])
