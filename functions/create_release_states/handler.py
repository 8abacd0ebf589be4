"""Create absent release states, as a custom resource: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.release.states import answer
from pipelines.interface.env import CreateReleaseStatesEnv


def handle(event: dict[str, Any], context: object) -> None:  # noqa: ARG001
    services = Services(CreateReleaseStatesEnv.from_environment().environment)
    answer(event, services)
