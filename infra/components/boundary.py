"""The permissions boundary: the limit of every role of the environment, whatever its policies allow."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from pipelines.interface.names import Environment


def apply_boundary(stack: Stack, environment: Environment) -> None:
    """Set the boundary of every role in ``stack``.

    ``mooring bootstrap`` writes the policy, so that nobody who deploys stacks can change it.
    """
    policy = iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", environment.boundary_arn)
    iam.PermissionsBoundary.of(stack).apply(policy)
