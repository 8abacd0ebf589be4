"""Looks up another stack's key and queue by name."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from pipelines.interface.names import Environment


def environment_key(scope: Construct, environment: Environment) -> kms.IKey:
    """Return the environment's key; CloudFormation reads its ARN from Parameter Store."""
    arn = ssm.StringParameter.value_for_string_parameter(scope, environment.key_parameter)
    return kms.Key.from_key_arn(scope, "EnvironmentKey", arn)


def dead_letters(scope: Construct, environment: Environment) -> sqs.IQueue:
    return sqs.Queue.from_queue_arn(scope, "DeadLetters", environment.arn("sqs", environment.dead_letter_queue))
