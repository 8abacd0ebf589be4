"""Prepares an account and region for ``cdk deploy``: the CDK's own bootstrap, with a narrow deployment policy.

Its stack and resources have names of their own, so that the bootstrap of other CDK applications stays as it is.
Without ``--cloudformation-execution-policies`` the CDK's bootstrap gives CloudFormation AdministratorAccess. Our policy
names the services that the stacks use, is limited to the environment's account, and lets CloudFormation create roles
only with a permissions boundary.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mooring import cdk
from pipelines.interface.names import QUALIFIER, Environment

POLICY_NAME = "mooring-deployer"
TOOLKIT_STACK = "MooringToolkit"
REGIONAL = (
    "application-autoscaling",
    "cloudwatch",
    "dynamodb",
    "events",
    "kms",
    "lambda",
    "logs",
    "sagemaker",
    "scheduler",
    "sns",
    "sqs",
    "ssm",
    "states",
)
"""Services whose resources have region and account in their ARNs."""

_ROLE_WRITES = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"]
_ROLE_UPKEEP = [
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListRolePolicies",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRoleTags",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
]
_SCALING = "sagemaker.application-autoscaling.amazonaws.com"
_PASSED_TO = [
    f"{service}.amazonaws.com" for service in ("cloudformation", "events", "lambda", "sagemaker", "scheduler", "states")
]


def deployment_policy(account: str) -> dict[str, Any]:
    """Return the policy under which CloudFormation deploys our stacks in all regions of ``account``."""
    roles = f"arn:aws:iam::{account}:role/*"
    boundary = {"StringLike": {"iam:PermissionsBoundary": f"arn:aws:iam::{account}:policy/*-boundary"}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Services",
                "Effect": "Allow",
                "Action": [f"{service}:*" for service in REGIONAL],
                "Resource": [f"arn:aws:{service}:*:{account}:*" for service in REGIONAL]
                + [f"arn:aws:cloudwatch::{account}:dashboard/*"],
            },
            {
                "Sid": "WithoutResource",
                "Effect": "Allow",
                "Action": [
                    "kms:CreateKey",
                    "logs:DescribeLogGroups",
                    "logs:*LogDeliver*",
                    "logs:*ResourcePolic*",
                    "ssm:DescribeParameters",
                    "application-autoscaling:Describe*",
                    "budgets:Describe*",
                    "budgets:ViewBudget",
                    "cloudwatch:DescribeAlarms",
                    "kms:ListAliases",
                    "lambda:CreateEventSourceMapping",
                    "lambda:ListEventSourceMappings",
                    "lambda:ListLayerVersions",
                    "lambda:ListTags",
                    "sagemaker:ListTags",
                    "sns:ListSubscriptions",
                    "sns:ListTopics",
                    "sqs:ListQueues",
                    "states:ValidateStateMachineDefinition",
                ],
                "Resource": "*",
            },
            {"Sid": "Buckets", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"},
            {"Sid": "Budgets", "Effect": "Allow", "Action": "budgets:*", "Resource": f"arn:aws:budgets::{account}:*"},
            {
                "Sid": "RolesBelowABoundary",
                "Effect": "Allow",
                "Action": _ROLE_WRITES,
                "Resource": roles,
                "Condition": boundary,
            },
            {"Sid": "Roles", "Effect": "Allow", "Action": _ROLE_UPKEEP, "Resource": roles},
            {
                "Sid": "Policies",
                "Effect": "Allow",
                "Action": [
                    "iam:CreatePolicy",
                    "iam:DeletePolicy",
                    "iam:GetPolicy",
                    "iam:*PolicyVersion*",
                    "iam:ListEntitiesForPolicy",
                    "iam:ListPolicyTags",
                    "iam:TagPolicy",
                    "iam:UntagPolicy",
                ],
                "Resource": f"arn:aws:iam::{account}:policy/*-boundary",
            },
            {
                "Sid": "PassToServices",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": roles,
                "Condition": {"StringEquals": {"iam:PassedToService": _PASSED_TO}},
            },
            {
                "Sid": "ScalingServiceRole",
                "Effect": "Allow",
                "Action": "iam:CreateServiceLinkedRole",
                "Resource": f"arn:aws:iam::{account}:role/aws-service-role/{_SCALING}/*",
            },
        ],
    }


def bootstrap(
    environment: Environment,
    *,
    variables: dict[str, str],
    log: Path,
    on_line: Callable[[str], None] = lambda _: None,
) -> None:
    """Create or renew the deployment policy, then run ``cdk bootstrap`` for the environment's account and region.

    Raises
    ------
    MooringError
        ``cdk bootstrap`` failed.
    """
    arn = f"arn:aws:iam::{environment.account}:policy/{POLICY_NAME}"
    session = boto3.Session(
        aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
        region_name=environment.region,
    )
    _put_policy(session.client("iam"), arn, json.dumps(deployment_policy(environment.account)))
    cdk.run(
        [
            "bootstrap",
            f"aws://{environment.account}/{environment.region}",
            "--qualifier",
            QUALIFIER,
            "--toolkit-stack-name",
            TOOLKIT_STACK,
            "--cloudformation-execution-policies",
            arn,
            "--app",
            "",
        ],
        variables=variables,
        log=log,
        on_line=on_line,
    )


def _put_policy(iam: Any, arn: str, document: str) -> None:
    try:
        iam.create_policy(
            PolicyName=POLICY_NAME, PolicyDocument=document, Description="What cdk deploy of Mooring may do"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            # A policy has five versions at most, so the older ones are deleted first.
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
