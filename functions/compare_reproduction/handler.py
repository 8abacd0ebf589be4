"""Compare a reproduction with what it reproduces: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.retraining.reproduction import compare_reproduction
from pipelines.interface.env import CompareReproductionEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(CompareReproductionEnv.from_environment().environment)
    return compare_reproduction(event, services)
