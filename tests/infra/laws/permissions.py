"""Laws over what roles, keys and policies permit."""

import json
from collections.abc import Iterator

from tests.infra.laws.law import Violation, listed, statements_of, trusted_services
from tests.support.synth import Template, resources

NO_SOURCE_ACCOUNT = ("lambda.amazonaws.com", "cloudformation.amazonaws.com")
"""Services that assume a role without naming the account."""
PUBLISHERS = ("cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com", "scheduler.amazonaws.com")
WILDCARDS_ALLOWED = ("AWS::IAM::ManagedPolicy", "AWS::KMS::Key", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy")
"""A boundary limits whole services; resource policies are about one resource, and deny with wildcards."""
ISOLATED_ACTIONS = {"sagemaker:CreateModel", "sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob"}


def no_star_on_star(template: Template) -> Iterator[Violation]:
    """No statement allows ``*`` or ``service:*`` on ``*``, except in a key's own policy, where ``*`` is the key."""
    for name, kind, statement in statements_of(template):
        if kind == "AWS::KMS::Key" or statement["Effect"] != "Allow" or "*" not in listed(statement.get("Resource")):
            continue
        for action in listed(statement["Action"]):
            if action == "*" or action.endswith(":*"):
                yield Violation(name, f"allows {action} on *", "name the actions, and the ARNs of the resources")


def no_wildcard_actions(template: Template) -> Iterator[Violation]:
    """Roles name every action in full."""
    for name, kind, statement in statements_of(template):
        if kind in WILDCARDS_ALLOWED or statement["Effect"] != "Allow":
            continue
        for action in listed(statement["Action"]):
            if "*" in action:
                yield Violation(name, f"allows the wildcard {action}", "list the actions that the code calls")


def pass_role_is_narrow(template: Template) -> Iterator[Violation]:
    """``iam:PassRole`` names the role and the service."""
    for name, kind, statement in statements_of(template):
        if kind == "AWS::IAM::ManagedPolicy" or "iam:PassRole" not in listed(statement["Action"]):
            continue
        if any(resource == "*" or str(resource).endswith("role/*") for resource in listed(statement["Resource"])):
            yield Violation(name, "may pass any role", "use policies.pass_role with the ARN of the role")
        if "iam:PassedToService" not in statement.get("Condition", {}).get("StringEquals", {}):
            yield Violation(name, "may pass roles to any service", "use policies.pass_role, which names the service")


def trusts_name_their_account(template: Template) -> Iterator[Violation]:
    """A role that a service assumes names its account, unless the service cannot name one."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in listed(role["Properties"]["AssumeRolePolicyDocument"]["Statement"]):
            for service in trusted_services(statement):
                known = "aws:SourceAccount" in statement.get("Condition", {}).get("StringEquals", {})
                if service not in NO_SOURCE_ACCOUNT and not known:
                    reason = f"trusts {service} for every account"
                    yield Violation(name, reason, "use policies.service, which demands aws:SourceAccount")


def roles_have_the_boundary(template: Template) -> Iterator[Violation]:
    for name, role in resources(template, "AWS::IAM::Role").items():
        if "PermissionsBoundary" not in role["Properties"]:
            yield Violation(name, "has no permissions boundary", "apply PermissionsBoundary.of(stack) in its stack")


def conditions_can_hold(template: Template) -> Iterator[Violation]:
    """No statement has a condition that AWS never fulfils: its service would be locked out, and silently."""
    for name, kind, statement in statements_of(template):
        conditions = json.dumps(statement.get("Condition", {}))
        listens = kind in ("AWS::SNS::TopicPolicy", "AWS::KMS::Key") and statement["Effect"] == "Allow"
        if listens and "events.amazonaws.com" in trusted_services(statement) and "aws:Source" in conditions:
            reason = "demands the account of EventBridge, which gives topics and their keys none"
            yield Violation(name, reason, "name the service with policies.publisher")
        if "kms:CreateGrant" in listed(statement["Action"]) and "kms:GrantIsForAWSResource" in conditions:
            yield Violation(name, "demands what SageMaker's grants are not", "remove kms:GrantIsForAWSResource")


def isolation_is_demanded(template: Template) -> Iterator[Violation]:
    """A role creates jobs and models only with network isolation: all models' containers share its credentials."""
    for role, _, statement in statements_of(template):
        created = ISOLATED_ACTIONS & set(listed(statement["Action"]))
        demanded = statement.get("Condition", {}).get("Bool", {}).get("sagemaker:NetworkIsolation")
        if statement["Effect"] == "Allow" and created and demanded != "true":
            reason = f"may {', '.join(sorted(created))} without network isolation"
            yield Violation(role, reason, "add the condition policies.ISOLATED")


def keys_admit_their_services(template: Template) -> Iterator[Violation]:
    """A key rotates, and every service that writes with it may use it; else alarms are lost silently."""
    for name, key in resources(template, "AWS::KMS::Key").items():
        properties = key["Properties"]
        if properties.get("EnableKeyRotation") is not True:
            yield Violation(name, "does not rotate", "set enable_key_rotation=True")
        admitted = {
            service for statement in properties["KeyPolicy"]["Statement"] for service in trusted_services(statement)
        }
        for service in PUBLISHERS:
            if service not in admitted:
                yield Violation(name, f"does not admit {service}", "add it to environment_key.PUBLISHERS")
        if not any(service.startswith("logs.") for service in admitted):
            yield Violation(name, "does not admit CloudWatch Logs", "admit logs.{region}.amazonaws.com in its policy")


def web_identities_are_exact(template: Template) -> Iterator[Violation]:
    """A role that an OpenID Connect provider's tokens assume names their audience and their exact subjects."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in listed(role["Properties"]["AssumeRolePolicyDocument"]["Statement"]):
            if "sts:AssumeRoleWithWebIdentity" not in listed(statement["Action"]):
                continue
            issuer = str(statement["Principal"]["Federated"]).partition("oidc-provider/")[2]
            demanded = statement.get("Condition", {}).get("StringEquals", {})
            for claim in ("aud", "sub"):
                if not listed(demanded.get(f"{issuer}:{claim}", [])):
                    yield Violation(name, f"trusts tokens of any {claim}", f"demand {issuer}:{claim} by StringEquals")
            for operator, compared in statement.get("Condition", {}).items():
                values = [str(value) for found in compared.values() for value in listed(found)]
                if "Like" in operator or any(mark in value for value in values for mark in "*?"):
                    yield Violation(name, f"trusts a pattern of tokens by {operator}", "list the exact values")
