"""A persona's session: credentials of its role, renewed before they expire.

Credentials of a role that was assumed from a role are valid for an hour at most; uploads of large datasets and waits
for runs last longer.
"""

from typing import Any

import boto3
import botocore.session
from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials


class _RoleProvider(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, sts: Any, role_arn: str, name: str) -> None:
        super().__init__()
        self._sts = sts
        self._request = {"RoleArn": role_arn, "RoleSessionName": name}

    def load(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(
            metadata=self._assume(), refresh_using=self._assume, method=self.METHOD
        )

    def _assume(self) -> dict[str, Any]:
        found = self._sts.assume_role(**self._request)["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }


def persona_session(sts: Any, role_arn: str, *, name: str, region: str) -> boto3.Session:
    """Return a session as ``role_arn``, which ``sts`` assumes now; raise its error if it is not allowed to."""
    core = botocore.session.get_session()
    core.register_component("credential_provider", CredentialResolver(providers=[_RoleProvider(sts, role_arn, name)]))
    core.get_credentials()
    return boto3.Session(botocore_session=core, region_name=region)
