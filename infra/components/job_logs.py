"""The custom resource that gives the log groups of SageMaker's jobs their retention and a key."""

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class JobLogs(Construct):
    """Custom resource of our own function: the log groups belong to the account, so no stack can own them."""

    def __init__(
        self, scope: Construct, construct_id: str, *, function: lambda_.Function, key: kms.IKey, days: int
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Groups",
            resource_type="Custom::JobLogGroups",
            service_token=function.function_arn,
            properties={"KeyArn": key.key_arn, "Days": days},
            # A function that died does not answer; CloudFormation would wait for an hour.
            service_timeout=Duration.minutes(15),
        )
        resource.node.add_dependency(function)
