"""Record the end of a run and free its lease: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.retraining.finish import finish_run
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import FinishRunRequest


@handler(FunctionEnv, FinishRunRequest)
def handle(request: FinishRunRequest, services: Services, env: FunctionEnv) -> None:  # noqa: ARG001
    finish_run(request, services)
