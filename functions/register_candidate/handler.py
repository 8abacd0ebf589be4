"""Register an accepted candidate as a model package: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.retraining.register import register_candidate
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import PackageVersion, RegisterRequest


@handler(FunctionEnv, RegisterRequest)
def handle(request: RegisterRequest, services: Services, env: FunctionEnv) -> PackageVersion:  # noqa: ARG001
    return register_candidate(request, services)
