"""End a release, however it ended: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import FinishReleaseEnv
from pipelines.release.finish import finish_release


def handle(event: dict[str, Any], context: object) -> None:  # noqa: ARG001
    services = Services(FinishReleaseEnv.from_environment().environment)
    finish_release(event, services)
