"""Small helpers for narrow policies: statements and service principals that name their account."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam

from infra import images
from pipelines.interface.names import Environment

Conditions = Mapping[str, Mapping[str, Any]]

ISOLATED: Conditions = {"Bool": {"sagemaker:NetworkIsolation": "true"}}
"""Condition that admits a job or a model only if its container reaches no network, and so no credentials."""

NO_SOURCE_ACCOUNT = ("lambda.amazonaws.com", "cloudformation.amazonaws.com")
"""Services that assume a role without naming the account: the condition would lock them out."""


def allow(actions: Sequence[str], *resources: str, conditions: Conditions | None = None) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)


def service(name: str, account: str) -> iam.ServicePrincipal:
    """Return the principal ``<name>.amazonaws.com``, for ``account`` only if the service names its account."""
    host = f"{name}.amazonaws.com"
    if host in NO_SOURCE_ACCOUNT:
        return iam.ServicePrincipal(host)
    return iam.ServicePrincipal(host, conditions={"StringEquals": {"aws:SourceAccount": account}})


def publisher(name: str, account: str) -> iam.ServicePrincipal:
    """Return the principal of a service that sends to the topic, and uses the key for that.

    EventBridge gives neither the topic's policy nor the key's its account: a condition would lock it out. AWS says so
    in "Encrypting Amazon SNS topics" and in "Using resource-based policies for Amazon EventBridge".
    """
    return iam.ServicePrincipal("events.amazonaws.com") if name == "events" else service(name, account)


def is_role(*role_arns: str) -> Conditions:
    """Return the condition that the caller has one of these roles.

    A policy that names a role as its principal is refused while the role does not exist, and other environments are
    deployed later. The principal is then the role's account.
    """
    return {"ArnEquals": {"aws:PrincipalArn": list(role_arns)}}


def pass_role(role_arn: str, to: str) -> iam.PolicyStatement:
    """Allow passing ``role_arn`` to the service ``to`` and to no other."""
    condition = {"StringEquals": {"iam:PassedToService": f"{to}.amazonaws.com"}}
    return allow(["iam:PassRole"], role_arn, conditions=condition)


def use_key(key_arn: str) -> iam.PolicyStatement:
    return allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn)


def pull_image(environment: Environment) -> iam.PolicyStatement:
    """Allow pulling SageMaker's scikit-learn image from AWS's registry of the environment's region."""
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    registry = images.REGISTRIES[environment.region]
    return allow(actions, f"arn:aws:ecr:{environment.region}:{registry}:repository/{images.REPOSITORY}")
