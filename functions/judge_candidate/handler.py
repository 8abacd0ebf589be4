"""Judge a run's candidate by the gates: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.retraining.register import judge_candidate
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import PlannedRun, Verdict


@handler(FunctionEnv, PlannedRun)
def handle(request: PlannedRun, services: Services, env: FunctionEnv) -> Verdict:  # noqa: ARG001
    return judge_candidate(request, services)
