"""Register an accepted candidate: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.retraining.register import register_candidate
from pipelines.interface.env import RegisterCandidateEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(RegisterCandidateEnv.from_environment().environment)
    return register_candidate(event, services)
