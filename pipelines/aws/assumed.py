"""Another environment's resources, through a role that it lends."""

import boto3
from botocore.config import Config

from pipelines.aws.client import Client
from pipelines.aws.clients import Services
from pipelines.interface.names import Environment


def assume(services: Services, environment: Environment, role: str) -> Services:
    """Return the resources of ``environment`` as its role ``role``; ``services`` are the caller's."""
    answer = services.client("sts").assume_role(
        RoleArn=environment.role_arn(role), RoleSessionName=services.environment.id[:64]
    )
    found = answer["Credentials"]
    session = boto3.Session(
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
        region_name=environment.region,
    )

    def client(service: str) -> Client:
        made: Client = session.client(  # type: ignore[call-overload]
            service, config=Config(retries={"mode": "standard", "max_attempts": 4})
        )
        return made

    return Services(environment, client)
