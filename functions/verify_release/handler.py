"""Verify what serves: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.release.verify import verify_release
from pipelines.interface.env import VerifyReleaseEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(VerifyReleaseEnv.from_environment().environment)
    return verify_release(event, services)
