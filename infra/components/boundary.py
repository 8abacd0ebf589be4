"""The permissions boundary: the most that any role of the environment may ever do, whatever its policies say."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import images
from infra.components.policies import allow
from pipelines.interface.names import BUCKETS, Environment

REGIONAL = (
    "application-autoscaling",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "events",
    "kms",
    "lambda",
    "logs",
    "sagemaker",
    "sns",
    "sqs",
    "ssm",
    "states",
)
WITHOUT_RESOURCE = (
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
)
"""Actions that AWS gives no resource."""


SCALING = "sagemaker.application-autoscaling.amazonaws.com"


def boundary_arn(environment: Environment) -> str:
    return f"arn:aws:iam::{environment.account}:policy/{environment.boundary}"


def scaling_role_arn(environment: Environment) -> str:
    """The role that AWS makes for scaling endpoints, the first time that an account has one to scale."""
    return f"arn:aws:iam::{environment.account}:role/aws-service-role/{SCALING}/*"


class Boundary(Construct):
    """``policy``: this account, this region, this environment's buckets and roles; of IAM hardly anything."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        account, region = environment.account, environment.region
        ours = [f"arn:aws:s3:::{environment.bucket(kind)}" for kind in BUCKETS]
        code = f"arn:aws:s3:::cdk-*-assets-{account}-{region}/*.gz"
        registry = f"arn:aws:ecr:{region}:{images.REGISTRIES[region]}:repository/{images.REPOSITORY}"
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=environment.boundary,
            description=f"The most that a role of {environment.id} may do",
            statements=[
                allow([f"{name}:*" for name in REGIONAL], *(environment.arn(name, "*") for name in REGIONAL)),
                allow(WITHOUT_RESOURCE, "*"),
                allow(["s3:*"], *ours, *(f"{bucket}/*" for bucket in ours)),
                allow(["s3:GetObject"], code),
                allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], registry),
                allow(["iam:PassRole"], environment.role_arn(f"{environment.id}-*")),
                allow(["iam:CreateServiceLinkedRole"], scaling_role_arn(environment)),
            ],
        )
