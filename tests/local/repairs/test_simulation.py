"""SimulatePrincipalPolicy: every resource, the request's context, and the permissions boundary."""

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import EmbeddedAws

ACTIONS = ["s3:GetObject", "s3:PutObject"]
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}
PASS = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": "*",
    "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
}


def simulate(aws: EmbeddedAws, role: str, actions: list[str], resources: list[str], **context: str) -> dict[Any, str]:
    """Return the decisions by action and resource."""
    entries = [
        {"ContextKeyName": name.replace("_", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in context.items()
    ]
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=actions, ResourceArns=resources, ContextEntries=entries
    )
    return {
        (found["EvalActionName"], found["EvalResourceName"]): found["EvalDecision"]
        for found in answer["EvaluationResults"]
    }


def test_every_action_is_decided_on_every_resource(embedded_aws: EmbeddedAws) -> None:
    role = embedded_aws.create_role(f"s{uuid4().hex[:8]}", [READ])
    found = simulate(embedded_aws, role, ACTIONS, ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"])
    assert found == {
        ("s3:GetObject", "arn:aws:s3:::a/*"): "allowed",
        ("s3:GetObject", "arn:aws:s3:::b/*"): "implicitDeny",
        ("s3:PutObject", "arn:aws:s3:::a/*"): "implicitDeny",
        ("s3:PutObject", "arn:aws:s3:::b/*"): "implicitDeny",
    }


def test_context_of_the_request_counts(embedded_aws: EmbeddedAws) -> None:
    role = embedded_aws.create_role(f"s{uuid4().hex[:8]}", [PASS])

    def passed(service: str) -> str:
        return simulate(embedded_aws, role, ["iam:PassRole"], [role], iam_PassedToService=service)["iam:PassRole", role]

    assert passed("sagemaker.amazonaws.com") == "allowed"
    assert passed("lambda.amazonaws.com") == "implicitDeny"


def test_boundary_limits_and_a_denial_wins(embedded_aws: EmbeddedAws) -> None:
    name, iam = f"s{uuid4().hex[:8]}", embedded_aws.client("iam")
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}'
    boundary = iam.create_policy(PolicyName=f"{name}-boundary", PolicyDocument=document)["Policy"]["Arn"]
    bounded = embedded_aws.create_role(name, [READ], boundary=boundary)
    assert set(simulate(embedded_aws, bounded, ["s3:GetObject"], ["arn:aws:s3:::a/*"]).values()) == {"implicitDeny"}
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    denied = embedded_aws.create_role(f"{name}-denied", [READ, deny])
    assert set(simulate(embedded_aws, denied, ["s3:GetObject"], ["arn:aws:s3:::a/*"]).values()) == {"explicitDeny"}


def test_unknown_role_and_group_are_refused(embedded_aws: EmbeddedAws) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        simulate(embedded_aws, "arn:aws:iam::111111111111:role/nobody", ["s3:GetObject"], ["*"])
    with pytest.raises(ClientError, match="policies of roles and users"):
        simulate(embedded_aws, "arn:aws:iam::111111111111:group/some", ["s3:GetObject"], ["*"])
