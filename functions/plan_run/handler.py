"""Plan a run: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.retraining.plan import plan_run
from pipelines.interface.env import PlanRunEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    env = PlanRunEnv.from_environment()
    return plan_run(event, Services(env.environment), packages_uri=env.packages_uri)
