"""Record a check whose counting failed: see docs/reference/monitoring.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import FinishCheckRequest
from pipelines.monitoring.drift.failed_check import finish_check


@handler(FunctionEnv, FinishCheckRequest)
def handle(request: FinishCheckRequest, services: Services, env: FunctionEnv) -> None:  # noqa: ARG001
    finish_check(request, services)
