"""The policies that ``mooring bootstrap`` writes for a team's tooling environment: its boundary, and its deployer.

The pipelines reach the team's environments through roles that those lend, and through nothing else: ``{id}-promoter``,
and the roles of the CDK's bootstrap. The boundary names them all.
"""

from collections.abc import Sequence

from mooring.permissions import ROLE_UPKEEP, ROLE_WRITES
from mooring.statements import Document, allow, document
from pipelines.interface.names import ENVIRONMENT_TAG, TOOLING_BUCKETS, Environment

_NAMED = (
    ("cloudwatch", "alarm:"),
    ("codebuild", "project/"),
    ("codepipeline", ""),
    ("events", "rule/"),
    ("lambda", "function:"),
    ("lambda", "layer:"),
    ("sns", ""),
    ("sqs", ""),
    ("states", "execution:"),
    ("states", "stateMachine:"),
)
"""Services and kinds of their resources whose names begin with the tooling environment's id."""
_PASSED_TO = [f"{name}.amazonaws.com" for name in ("codebuild", "codepipeline", "events", "lambda", "states")]


def boundary(tooling: Environment, team: Sequence[Environment], connection: str | None) -> Document:
    """Return the policy that limits every role of the tooling environment; ``team`` are the team's environments.

    ``connection`` is the ARN of the connection to the repository, if the code comes from one.
    """
    return document(
        *_own(tooling),
        allow("Objects", ["s3:*"], *(f"{bucket}/*" for bucket in _buckets(tooling))),
        allow(
            "WithoutResource",
            [
                "logs:*LogDeliver*",
                "logs:*ResourcePolic*",
                "logs:DescribeLogGroups",
                "xray:*Sampling*",
                "xray:Put*",
            ],
            "*",
        ),
        allow("Promote", ["sts:AssumeRole"], *(each.role_arn(each.promoter_role) for each in team)),
        allow("Deploy", ["sts:AssumeRole"], *_cdk_roles((tooling, *team))),
        *_connect(connection, "UseConnection"),
    )


def deployer(tooling: Environment, connection: str | None) -> Document:
    """Return the policy under which CloudFormation deploys the tooling environment's stack."""
    roles, within = tooling.role_arn(f"{tooling.id}-*"), {"iam:PermissionsBoundary": tooling.boundary_arn}
    policies = f"arn:aws:iam::{tooling.account}:policy/{tooling.id}-*"
    return document(
        *_own(tooling),
        allow(
            "Key",
            ["kms:CreateKey", "kms:TagResource"],
            "*",
            condition={"StringEquals": {f"aws:RequestTag/{ENVIRONMENT_TAG}": tooling.id}},
        ),
        allow("Code", ["s3:GetObject", "s3:GetObjectVersion"], f"arn:aws:s3:::{tooling.asset_bucket}/*"),
        allow("Roles", ROLE_WRITES, roles, condition={"StringEquals": within}),
        allow(
            "AttachedPolicies",
            ["iam:AttachRolePolicy"],
            roles,
            condition={"StringEquals": within, "ArnLike": {"iam:PolicyARN": policies}},
        ),
        allow("RoleUpkeep", ROLE_UPKEEP, roles),
        allow("PassRole", ["iam:PassRole"], roles, condition={"StringEquals": {"iam:PassedToService": _PASSED_TO}}),
        *_connect(connection, "PassConnection"),
    )


def _own(tooling: Environment) -> list[Document]:
    """Return the statements that allow everything on what belongs to the tooling environment alone."""
    here, name = tooling.arn, tooling.id
    resources = [
        *(here(service, f"{kind}{name}-*") for service, kind in _NAMED),
        here("events", f"event-bus/{name}"),
        here("events", f"rule/{name}/*"),
        here("kms", tooling.key_alias),
        here("logs", f"log-group:/aws/*/{name}-*"),
        here("ssm", f"parameter/mooring/{name}/*"),
    ]
    services = sorted({resource.split(":")[2] for resource in resources})
    return [
        allow("Own", [f"{service}:*" for service in services], *resources),
        allow(
            "OwnKey",
            ["kms:*"],
            here("kms", "key/*"),
            condition={"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": name}},
        ),
        allow("OwnBuckets", ["s3:*"], *_buckets(tooling)),
    ]


def _buckets(tooling: Environment) -> list[str]:
    return [f"arn:aws:s3:::{tooling.bucket(kind)}" for kind in TOOLING_BUCKETS]


def _cdk_roles(places: Sequence[Environment]) -> list[str]:
    """Return the bootstrap's roles of each place; the policies of our roles name those that they assume.

    Written out they would not fit into a policy. The one that may change the account trusts CloudFormation alone.
    """
    return sorted({place.cdk_role_arn("*") for place in places})


def _connect(connection: str | None, action: str) -> list[Document]:
    """Allow an action on the connection, whose service has two names."""
    return [allow("Repository", [f"{connection.split(':')[2]}:{action}"], connection)] if connection else []
