"""The permissions boundary: the limit of every role of the environment, whatever its policies allow."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.components.policies import allow, pull_image
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
"""Actions for which AWS has no resource."""

SCALING = "sagemaker.application-autoscaling.amazonaws.com"


def boundary_arn(environment: Environment) -> str:
    return f"arn:aws:iam::{environment.account}:policy/{environment.boundary}"


def scaling_role_arn(environment: Environment) -> str:
    """Return the ARN of the service-linked role that AWS creates when an account first scales an endpoint."""
    return f"arn:aws:iam::{environment.account}:role/aws-service-role/{SCALING}/*"


class Boundary(Construct):
    """The managed ``policy``: services in this account and region, and this environment's buckets and roles.

    It admits two IAM actions: passing the environment's roles, and creating the service-linked role of scaling.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        ours = [f"arn:aws:s3:::{environment.bucket(kind)}" for kind in BUCKETS]
        code = f"arn:aws:s3:::{environment.asset_bucket}/*.gz"
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=environment.boundary,
            # Another description would replace the policy, which fails because its name is fixed.
            description=f"The most that a role of {environment.id} may do",
            statements=[
                allow([f"{name}:*" for name in REGIONAL], *(environment.arn(name, "*") for name in REGIONAL)),
                allow(WITHOUT_RESOURCE, "*"),
                allow(["s3:*"], *ours, *(f"{bucket}/*" for bucket in ours)),
                allow(["s3:GetObject"], code),
                pull_image(environment),
                allow(["iam:PassRole"], environment.role_arn(f"{environment.id}-*")),
                allow(["iam:CreateServiceLinkedRole"], scaling_role_arn(environment)),
            ],
        )
