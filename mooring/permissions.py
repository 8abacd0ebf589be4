"""The policies that ``mooring bootstrap`` writes: each environment's boundary, and what CloudFormation may deploy.

Both are limited to what belongs to an environment (``_own``): resources whose names begin with its id, its buckets,
and the KMS key with its tag. So neither a deployment nor a role that a deployment makes reaches what else is in the
account. docs/decisions/0018-boundaries-by-bootstrap.md explains it.
"""

from collections.abc import Iterator, Sequence

from infra import images
from infra.fleet.promotion import Promotion
from mooring.statements import Document
from mooring.statements import allow as _allow
from mooring.statements import deny as _deny
from mooring.statements import document as _document
from pipelines.interface.names import CDK_ROLES, ENVIRONMENT_TAG, SCALING, Environment

COMMON = "mooring-deployer"
"""Policy of what a deployment may do in an account for any environment, and of what it may never do."""

_NAMED = (
    ("cloudwatch", "alarm:"),
    ("dynamodb", "table/"),
    ("events", "rule/"),
    # A policy has room for 6,144 characters: functions and layers; endpoints, packages and their groups.
    ("lambda", "*:"),
    ("sagemaker", "*/"),
    ("sns", ""),
    ("sqs", ""),
    # Executions, map runs and state machines.
    ("states", "*:"),
)
"""Services and kinds of their resources whose names begin with the environment's id."""
_PASSED_TO = [f"{service}.amazonaws.com" for service in ("events", "lambda", "sagemaker", "scheduler", "states")]
ROLE_WRITES = [f"iam:{action}" for action in ("CreateRole", "PutRolePolicy", "PutRolePermissionsBoundary")]
ROLE_UPKEEP = [
    f"iam:{action}"
    for action in (
        "DeleteRole",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "GetRole",
        "GetRolePolicy",
        "ListAttachedRolePolicies",
        "ListInstanceProfilesForRole",
        "ListRolePolicies",
        "ListRoleTags",
        "TagRole",
        "UntagRole",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
        "UpdateRoleDescription",
    )
]


def boundary(
    environment: Environment,
    trainers: Sequence[Environment],
    promotion: Promotion | None = None,
    *,
    has_ci: bool = False,
) -> Document:
    """Return the policy that limits every role of the environment.

    Findings go to the buses of ``trainers``; ``promotion`` names what models cross.

    It admits two IAM actions: passing the environment's roles, and creating the service-linked role of scaling. With
    ``has_ci`` the roles of CI jobs, and no others, may assume the CDK's roles and list stacks.
    """
    here = environment.arn
    return _document(
        *_own(environment),
        _allow("Stacks", ["cloudformation:*"], here("cloudformation", f"stack/{environment.id}-*/*")),
        # SageMaker's jobs have the models' names, and Step Functions waits for them with rules of its own.
        _allow(
            "Jobs",
            ["sagemaker:*"],
            *(here("sagemaker", f"{kind}-job/*") for kind in ("training", "processing")),
        ),
        _allow("JobRules", ["events:*"], here("events", "rule/StepFunctionsGetEventsFor*")),
        _allow("Objects", ["s3:*"], *(f"{bucket}/*" for bucket in _buckets(environment))),
        _allow("Code", ["s3:GetObject"], f"arn:aws:s3:::{environment.asset_bucket}/*.gz"),
        _allow(
            "Image",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            f"arn:aws:ecr:{environment.region}:{images.REGISTRIES[environment.region]}:repository/{images.REPOSITORY}",
        ),
        _allow(
            "WithoutResource",
            [
                "application-autoscaling:Describe*",
                "cloudwatch:*Metric*",
                "cloudwatch:DescribeAlarms",
                "ecr:GetAuthorizationToken",
                "logs:*LogDeliver*",
                "logs:*ResourcePolic*",
                "logs:DescribeLogGroups",
                "sagemaker:List*",
                "xray:*Sampling*",
                "xray:Put*",
            ],
            "*",
        ),
        *_forward(trainers),
        *(_integrate(environment) if has_ci else ()),
        *(_promote(promotion) if promotion else ()),
        _allow("PassRole", ["iam:PassRole"], environment.role_arn(f"{environment.id}-*")),
        _allow("ScalingServiceRole", ["iam:CreateServiceLinkedRole"], environment.scaling_role_arn),
    )


def _forward(trainers: Sequence[Environment]) -> list[Document]:
    buses = [trainer.arn("events", f"event-bus/{trainer.bus}") for trainer in trainers]
    return [_allow("TrainersBuses", ["events:PutEvents"], *buses)] if buses else []


def _integrate(environment: Environment) -> list[Document]:
    deploys, plans = (
        {"ArnEquals": {"aws:PrincipalArn": environment.role_arn(environment.ci_role(task))}}
        for task in ("deploy", "plan")
    )
    roles = [environment.cdk_role_arn(kind) for kind in CDK_ROLES]
    return [
        _allow("CiDeploys", ["sts:AssumeRole"], *roles, condition=deploys),
        _allow("CiPlans", ["cloudformation:DescribeStacks", "cloudformation:ListStacks"], "*", condition=plans),
    ]


def _promote(promotion: Promotion) -> Iterator[Document]:
    """Yield what requests and imports of releases reach in other accounts; their keys are found by their aliases."""
    tooling, source = promotion.tooling, promotion.source
    keys: dict[str, Environment] = {}
    if promotion.following:
        keys[tooling.key_alias] = tooling
        yield _allow("Records", ["s3:PutObject"], f"arn:aws:s3:::{tooling.bucket('records')}/*")
        yield _allow("PipelinesBus", ["events:PutEvents"], tooling.arn("events", f"event-bus/{tooling.bus}"))
    if source:
        keys |= {source.key_alias: source, **{each.signing_key_alias: each for each in promotion.trainers}}
        bucket = f"arn:aws:s3:::{source.bucket('artifacts')}"
        yield _allow("Releases", ["s3:GetObject*", "s3:ListBucket"], bucket, f"{bucket}/runs/*")
    if keys:
        yield _allow(
            "KeysElsewhere",
            ["kms:Decrypt", "kms:GenerateDataKey", "kms:Verify"],
            *sorted({each.arn("kms", "key/*") for each in keys.values()}),
            condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": list(keys)}},
        )


def deployer(environment: Environment) -> Document:
    """Return the policy under which CloudFormation deploys the environment's stacks."""
    here, roles = environment.arn, environment.role_arn(f"{environment.id}-*")
    policies = f"arn:aws:iam::{environment.account}:policy/{environment.id}-*"
    within = {"iam:PermissionsBoundary": environment.boundary_arn}
    return _document(
        *_own(environment),
        _allow("Schedules", ["scheduler:*"], here("scheduler", f"schedule/default/{environment.id}-*")),
        _allow("DefaultBus", ["events:CreateArchive"], here("events", "event-bus/default")),
        _allow(
            "Mappings",
            ["lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:DeleteEventSourceMapping"],
            "*",
            condition={"ArnLike": {"lambda:FunctionArn": here("lambda", f"function:{environment.id}-*")}},
        ),
        _allow(
            "Key",
            ["kms:CreateKey", "kms:TagResource"],
            "*",
            condition={"StringEquals": {f"aws:RequestTag/{ENVIRONMENT_TAG}": environment.id}},
        ),
        _allow("Code", ["s3:GetObject", "s3:GetObjectVersion"], f"arn:aws:s3:::{environment.asset_bucket}/*"),
        _allow("Roles", ROLE_WRITES, roles, condition={"StringEquals": within}),
        _allow(
            "AttachedPolicies",
            ["iam:AttachRolePolicy"],
            roles,
            condition={"StringEquals": within, "ArnLike": {"iam:PolicyARN": policies}},
        ),
        _allow("RoleUpkeep", ROLE_UPKEEP, roles),
        _allow("PassRole", ["iam:PassRole"], roles, condition={"StringEquals": {"iam:PassedToService": _PASSED_TO}}),
    )


def common(account: str) -> Document:
    """Return the policy of the actions for which AWS has no resource or no name, and of those that stay forbidden."""
    policies = [f"arn:aws:iam::{account}:policy/*-{kind}" for kind in ("boundary", "deployer")]
    return _document(
        _allow(
            "WithoutResource",
            [
                "application-autoscaling:Describe*",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:GetMetricData",
                "kms:ListAliases",
                "lambda:ListEventSourceMappings",
                "lambda:ListLayerVersions",
                "logs:*LogDeliver*",
                "logs:*ResourcePolic*",
                "logs:DescribeLogGroups",
                "sagemaker:ListTags",
                "sns:ListSubscriptions",
                "sns:ListTopics",
                "sqs:ListQueues",
                "ssm:DescribeParameters",
                "states:ValidateStateMachineDefinition",
            ],
            "*",
        ),
        _allow(
            "MappingsWithoutName",
            ["lambda:GetEventSourceMapping", "lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"],
            f"arn:aws:lambda:*:{account}:event-source-mapping:*",
        ),
        _allow(
            "Budgets",
            [f"budgets:{action}" for action in ("*Tag*", "ModifyBudget", "ViewBudget")],
            f"arn:aws:budgets::{account}:budget/*",
        ),
        # CloudFormation's handlers read a key that they have just made, and AWS may know its tags only later.
        _allow(
            "KeysAreRead",
            ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"],
            f"arn:aws:kms:*:{account}:key/*",
        ),
        _allow(
            "ScalingServiceRole",
            ["iam:CreateServiceLinkedRole"],
            f"arn:aws:iam::{account}:role/aws-service-role/{SCALING}/*",
        ),
        # A policy that somebody adds to the role must not undo these.
        _deny(
            "PoliciesAreTheBootstraps",
            [
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:SetDefaultPolicyVersion",
            ],
            *policies,
        ),
        _deny("BoundariesStay", ["iam:DeleteRolePermissionsBoundary"], "*"),
        # CreateKey needs the permission to tag any key. Without this, a tag would make another key the environment's.
        _deny(
            "KeysStayTheirOwners",
            ["kms:TagResource", "kms:UntagResource"],
            "*",
            condition={"ForAnyValue:StringNotLike": {"kms:ResourceAliases": "alias/mooring/*"}},
        ),
    )


def _own(environment: Environment) -> list[Document]:
    """Return the statements that allow everything on what belongs to the environment alone."""
    here, name = environment.arn, environment.id
    by_name = [here(service, f"{kind}{name}-*") for service, kind in _NAMED]
    # CloudFormation names models and endpoint configs by their logical ids, and AWS names scalable targets. An archive
    # is named by CloudFormation, which shortens the name.
    generated = [
        here("sagemaker", "model/*"),
        here("sagemaker", "endpoint-config/*"),
        here("application-autoscaling", "scalable-target/*"),
        here("events", "archive/*"),
    ]
    others = [
        here("cloudwatch", f"alarm:TargetTracking-endpoint/{name}-*"),
        f"arn:aws:cloudwatch::{environment.account}:dashboard/{name}",
        f"arn:aws:cloudwatch::{environment.account}:dashboard/{name}-*",
        here("events", f"event-bus/{name}"),
        here("events", f"rule/{name}/*"),
        # The key's alias, and that of the signing key.
        here("kms", f"{environment.key_alias}*"),
        here("logs", f"log-group:/aws/*/{name}-*"),
        here("logs", "log-group:/aws/sagemaker/*"),
        here("ssm", f"parameter/mooring/{name}/*"),
    ]
    resources = [*by_name, *others, *generated]
    services = sorted({resource.split(":")[2] for resource in resources})
    return [
        _allow("Own", [f"{service}:*" for service in services], *resources),
        _allow(
            "OwnKey",
            ["kms:*"],
            here("kms", "key/*"),
            condition={"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": name}},
        ),
        _allow("OwnBuckets", ["s3:*"], *_buckets(environment)),
    ]


def _buckets(environment: Environment) -> list[str]:
    """Return the ARNs of the environment's buckets: their names differ in the middle, but that of an adopted one."""
    adopted = [environment.data_bucket] if environment.data_bucket else []
    return [f"arn:aws:s3:::{name}" for name in (environment.bucket("*"), *adopted)]
