"""Fixture that runs one embedded AWS for a test session, with TLS and IAM enforcement, and stops it at the end."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.fleet.promotion import Promotion
from mooring import permissions
from mooring.embedded import process
from pipelines.interface.names import Environment

ACCOUNT = "111111111111"
REGION = "eu-west-1"


@dataclass(frozen=True, kw_only=True)
class EmbeddedAws:
    """The running server; ``client`` acts as an account's root, or as a role that the root assumes."""

    server: process.Server

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION, role: str | None = None) -> Any:
        """Return a boto3 client; ``role`` is the ARN of a role whose trust policy allows the account's root."""
        options = process.client_options(self.server, account=account, region=region)
        if role is not None:
            credentials = boto3.client("sts", **options).assume_role(RoleArn=role, RoleSessionName="test")[
                "Credentials"
            ]
            options |= {
                "aws_access_key_id": credentials["AccessKeyId"],
                "aws_secret_access_key": credentials["SecretAccessKey"],
                "aws_session_token": credentials["SessionToken"],
            }
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        return boto3.client(service, config=config, **options)  # type: ignore[call-overload]

    def variables(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """Return the variables that ``mooring env`` prints."""
        return process.variables(self.server, account=account, region=region)

    def create_boundary(
        self,
        environment: Environment,
        trainers: Sequence[Environment] = (),
        promotion: Promotion | None = None,
    ) -> None:
        """Create the environment's permissions boundary, as ``mooring bootstrap`` does, unless it exists."""
        iam, document = self.client("iam", environment.account), permissions.boundary(environment, trainers, promotion)
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=environment.boundary, PolicyDocument=json.dumps(document))

    def create_role(
        self,
        name: str,
        statements: list[dict[str, Any]],
        *,
        trusted: dict[str, Any] | None = None,
        account: str = ACCOUNT,
        boundary: str | None = None,
    ) -> str:
        """Create a role with one inline policy and return its ARN.

        ``trusted`` is the principal of its trust policy (default: the account's root).
        """
        iam = self.client("iam", account)
        principal = trusted or {"AWS": f"arn:aws:iam::{account}:root"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        made = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )
        if statements:
            iam.put_role_policy(
                RoleName=name,
                PolicyName="inline",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
            )
        return str(made["Role"]["Arn"])


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    home = tmp_path_factory.mktemp("embedded-aws")
    server = process.start(home=home, port=process.free_port(), schedule_speed=60)
    try:
        yield EmbeddedAws(server=server)
    finally:
        process.stop(home=home)
