"""The custom resource that creates the absent release states of a Registry stack's models."""

from aws_cdk import CustomResource, Duration
from constructs import Construct

from pipelines.interface.names import Environment


class ReleaseStates(Construct):
    """Custom resource of our own function, which overwrites and deletes no release state.

    The Serving stacks need the release states.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, models: list[str]) -> None:
        super().__init__(scope, construct_id)
        CustomResource(
            self,
            "States",
            resource_type="Custom::ReleaseStates",
            service_token=environment.function_arn("create_release_states"),
            properties={"Models": models},
            # A function that died does not answer; CloudFormation would wait for an hour.
            service_timeout=Duration.minutes(15),
        )
