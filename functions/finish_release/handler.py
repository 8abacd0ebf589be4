"""End a release, however it ended: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.release.finish import finish_release
from pipelines.interface.env import FinishReleaseEnv


def handle(event: dict[str, Any], context: object) -> None:  # noqa: ARG001
    services = Services(FinishReleaseEnv.from_environment().environment)
    finish_release(event, services)
