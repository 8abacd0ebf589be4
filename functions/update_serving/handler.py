"""Update the Serving stack to the release state: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.release.serving import update_serving
from pipelines.interface.env import UpdateServingEnv


def handle(event: dict[str, Any], context: object) -> dict[str, bool]:  # noqa: ARG001
    services = Services(UpdateServingEnv.from_environment().environment)
    return update_serving(event, services)
