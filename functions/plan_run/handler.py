"""Plan a run: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import PlanRunEnv
from pipelines.retraining.plan import plan_run


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    env = PlanRunEnv.from_environment()
    return plan_run(event, Services(env.environment), packages_uri=env.packages_uri)
