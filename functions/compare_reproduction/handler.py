"""Compare a reproduction with what it reproduces: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import CompareReproductionEnv
from pipelines.retraining.reproduction import compare_reproduction


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(CompareReproductionEnv.from_environment().environment)
    return compare_reproduction(event, services)
