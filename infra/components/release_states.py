"""The release state of every model: created when absent, never overwritten, never deleted."""

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class ReleaseStates(Construct):
    """A custom resource with our own function as its service token; the Serving stacks need what it creates."""

    def __init__(self, scope: Construct, construct_id: str, *, function: lambda_.Function, models: list[str]) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "States",
            resource_type="Custom::ReleaseStates",
            service_token=function.function_arn,
            properties={"Models": models},
            # A function that died answers nothing, and CloudFormation would wait for an hour.
            service_timeout=Duration.minutes(15),
        )
        resource.node.add_dependency(function)
