"""Create absent release states, as a custom resource: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.release.states import answer
from pipelines.interface.env import FunctionEnv


@handler(FunctionEnv, dict)
def handle(request: dict[str, object], services: Services, env: FunctionEnv) -> None:  # noqa: ARG001
    answer(request, services)
