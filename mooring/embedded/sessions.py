"""Sessions of service roles: their credentials, and boto3 clients that call this server with them over TLS."""

import os
import threading
from typing import Any

import boto3
from botocore.config import Config
from ministack.core.responses import get_region

from mooring.embedded import identity

_session = boto3.Session()
_lock = threading.Lock()  # a boto3 session must create clients in one thread at a time


class RoleSession:
    """Session of a role that a service assumes for its work, in the calling account and region.

    ``service`` is the service's principal; ``source_arn`` is the resource for which it acts, which a trust policy may
    name as ``aws:SourceArn``.
    """

    def __init__(self, role_arn: str, name: str, *, service: str, source_arn: str = "") -> None:
        self.role_arn = role_arn
        self.region = get_region()
        self.variables = identity.assume(role_arn, service=service, session_name=name[:64], source_arn=source_arn)

    def client(self, service: str) -> Any:
        """Return a boto3 client that acts under the role; the server authorizes every call with IAM."""
        with _lock:
            return _session.client(  # type: ignore[call-overload]
                service,
                region_name=self.region,
                endpoint_url=endpoint_url(),
                verify=os.environ["AWS_CA_BUNDLE"],
                aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=self.variables["AWS_SESSION_TOKEN"],
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}),
            )

    def environment(self) -> dict[str, str]:
        """Return the variables with which a process uses boto3 or the AWS CLI under the role."""
        return self.variables | {"AWS_ENDPOINT_URL": endpoint_url(), "AWS_CA_BUNDLE": os.environ["AWS_CA_BUNDLE"]}


def endpoint_url() -> str:
    return f"https://localhost:{os.environ['GATEWAY_PORT']}"
