"""Verify what serves: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import VerifyReleaseEnv
from pipelines.release.verify import verify_release


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(VerifyReleaseEnv.from_environment().environment)
    return verify_release(event, services)
