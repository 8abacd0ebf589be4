"""The custom resource that creates the absent release states of all models."""

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class ReleaseStates(Construct):
    """Custom resource of our own function, which overwrites and deletes no release state.

    The Serving stacks need the release states.
    """

    def __init__(self, scope: Construct, construct_id: str, *, function: lambda_.Function, models: list[str]) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "States",
            resource_type="Custom::ReleaseStates",
            service_token=function.function_arn,
            properties={"Models": models},
            # A function that died does not answer; CloudFormation would wait for an hour.
            service_timeout=Duration.minutes(15),
        )
        resource.node.add_dependency(function)
