"""Register an accepted candidate: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import RegisterCandidateEnv
from pipelines.retraining.register import register_candidate


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(RegisterCandidateEnv.from_environment().environment)
    return register_candidate(event, services)
