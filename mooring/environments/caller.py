"""An environment's resources through the caller's own credentials, which must be of its account."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from mooring.errors import MooringError
from pipelines.aws.clients import Services
from pipelines.aws.s3 import HASHED_ONCE
from pipelines.interface.names import Environment

ATTEMPTS = 10
"""Attempts of each call: many stacks are deleted at once, and CloudFormation throttles."""


def caller_services(environment: Environment) -> Services:
    """Return the environment's resources through the caller's clients.

    Raises
    ------
    MooringError
        The credentials are of another account.
    """
    session = boto3.Session(region_name=environment.region)

    @cache
    def client(service: str) -> Any:
        retries: Any = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        return session.client(service, config=Config(retries=retries, max_pool_connections=20, **HASHED_ONCE))  # type: ignore[call-overload]

    account = client("sts").get_caller_identity()["Account"]
    if account != environment.account:
        raise MooringError(
            f"{environment.id} is in account {environment.account}, your credentials in {account}",
            remedy=f'use credentials of that account; embedded: eval "$(mooring env {environment.id})"',
        )
    return Services(environment, client)


def caller_arn(services: Services) -> str:
    """Return the caller's ARN, which records who did it."""
    return str(services.client("sts").get_caller_identity()["Arn"])
