"""Compare a package with the one that was made again: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.retraining.reproduction import compare_reproduction
from pipelines.interface.env import FunctionEnv
from pipelines.interface.records import Comparison
from pipelines.interface.requests import PlannedRun


@handler(FunctionEnv, PlannedRun)
def handle(request: PlannedRun, services: Services, env: FunctionEnv) -> Comparison:  # noqa: ARG001
    return compare_reproduction(request, services)
