"""Begin a release: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import BeginReleaseEnv
from pipelines.release.begin import begin_release


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(BeginReleaseEnv.from_environment().environment)
    return begin_release(event, services)
