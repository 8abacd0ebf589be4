"""A log group under the environment's key that ends with its stack."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


def log_group(scope: Construct, *, name: str, key: kms.IKey, days: int) -> logs.LogGroup:
    """Return the log group ``name`` of ``scope``, which keeps its lines for ``days``."""
    group = logs.LogGroup(scope, "Log", log_group_name=name, encryption_key=key, removal_policy=RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # The construct takes names such as THREE_MONTHS only.
    resource.retention_in_days = days
    return group
