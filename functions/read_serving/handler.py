"""Say whether the Serving stack has settled: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import ReadServingEnv
from pipelines.release.serving import read_serving


def handle(event: dict[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001
    services = Services(ReadServingEnv.from_environment().environment)
    return read_serving(event, services)
