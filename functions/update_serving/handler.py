"""Update the Serving stack to the release state: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.release.serving import update_serving
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import ServingUpdate, UpdateServingRequest


@handler(FunctionEnv, UpdateServingRequest)
def handle(request: UpdateServingRequest, services: Services, env: FunctionEnv) -> ServingUpdate:  # noqa: ARG001
    return update_serving(request, services)
