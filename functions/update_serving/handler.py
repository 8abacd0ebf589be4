"""Update the Serving stack to the release state: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import UpdateServingEnv
from pipelines.release.serving import update_serving


def handle(event: dict[str, Any], context: object) -> dict[str, bool]:  # noqa: ARG001
    services = Services(UpdateServingEnv.from_environment().environment)
    return update_serving(event, services)
