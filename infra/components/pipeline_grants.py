"""The permissions of the pipelines' actions."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra.components.policies import allow
from infra.components.state_machine import executions
from pipelines.interface.names import Environment


def keep_artifacts(artifacts: s3.IBucket) -> list[iam.PolicyStatement]:
    """Return the permissions of what reads and writes a pipeline's artifacts."""
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], artifacts.arn_for_objects("*")),
        allow(["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"], artifacts.bucket_arn),
    ]


def read_source(bucket: s3.IBucket, key: str) -> list[iam.PolicyStatement]:
    """Return the permissions of a source action on the objects ``key``."""
    objects = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
    return [
        allow(objects, bucket.arn_for_objects(key)),
        allow(
            ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"], bucket.bucket_arn
        ),
    ]


def promote_and_ask(environment: Environment, topic: sns.ITopic) -> list[iam.PolicyStatement]:
    """Return the permissions of the actions that run the promotion machine, and of those that ask a person."""
    return [
        allow(["states:StartExecution", "states:DescribeStateMachine"], environment.state_machine_arn("promotion")),
        allow(["states:DescribeExecution"], executions(environment, "promotion")[0]),
        allow(["sns:Publish"], topic.topic_arn),
    ]
