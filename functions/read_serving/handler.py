"""Read whether the Serving stack has settled: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.release.serving import read_serving
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import ReadServingRequest, ServingStatus


@handler(FunctionEnv, ReadServingRequest)
def handle(request: ReadServingRequest, services: Services, env: FunctionEnv) -> ServingStatus:  # noqa: ARG001
    return read_serving(request, services)
