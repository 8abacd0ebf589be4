"""Create the log groups of jobs, as a custom resource: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.aws.log_groups import answer
from pipelines.interface.env import FunctionEnv


@handler(FunctionEnv, dict)
def handle(request: dict[str, object], services: Services, env: FunctionEnv) -> None:  # noqa: ARG001
    answer(request, services)
