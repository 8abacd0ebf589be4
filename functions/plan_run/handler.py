"""Plan a run: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.retraining.plan import plan_run
from pipelines.interface.env import PlanRunEnv
from pipelines.interface.requests import PlanRequest, RunPlan


@handler(PlanRunEnv, PlanRequest)
def handle(request: PlanRequest, services: Services, env: PlanRunEnv) -> RunPlan:
    return plan_run(request, services, packages_uri=env.packages_uri)
