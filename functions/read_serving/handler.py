"""Say whether the Serving stack has settled: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.release.serving import read_serving
from pipelines.interface.env import ReadServingEnv


def handle(event: dict[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001
    services = Services(ReadServingEnv.from_environment().environment)
    return read_serving(event, services)
