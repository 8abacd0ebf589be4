"""Record the end of a release: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.release.finish import finish_release
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import FinishReleaseRequest


@handler(FunctionEnv, FinishReleaseRequest)
def handle(request: FinishReleaseRequest, services: Services, env: FunctionEnv) -> None:  # noqa: ARG001
    finish_release(request, services)
