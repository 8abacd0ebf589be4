"""End a run, however it ended: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.retraining.finish import finish_run
from pipelines.interface.env import FinishRunEnv


def handle(event: dict[str, Any], context: object) -> None:  # noqa: ARG001
    services = Services(FinishRunEnv.from_environment().environment)
    finish_run(event, services)
