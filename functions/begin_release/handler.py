"""Begin a release: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.release.begin import begin_release
from pipelines.interface.env import BeginReleaseEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(BeginReleaseEnv.from_environment().environment)
    return begin_release(event, services)
