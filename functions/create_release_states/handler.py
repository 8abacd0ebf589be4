"""Create absent release states, as a custom resource: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import CreateReleaseStatesEnv
from pipelines.release.states import answer


def handle(event: dict[str, Any], context: object) -> None:  # noqa: ARG001
    services = Services(CreateReleaseStatesEnv.from_environment().environment)
    answer(event, services)
