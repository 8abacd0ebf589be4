"""Judge a candidate by the model's gate: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.retraining.register import judge_candidate
from pipelines.interface.env import JudgeCandidateEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(JudgeCandidateEnv.from_environment().environment)
    return judge_candidate(event, services)
