"""End a run, however it ended: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import FinishRunEnv
from pipelines.retraining.finish import finish_run


def handle(event: dict[str, Any], context: object) -> None:  # noqa: ARG001
    services = Services(FinishRunEnv.from_environment().environment)
    finish_run(event, services)
