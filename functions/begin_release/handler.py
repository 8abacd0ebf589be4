"""Check a package and begin its release: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.release.begin import begin_release
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import BeginReleaseRequest, ReleaseGrant


@handler(FunctionEnv, BeginReleaseRequest)
def handle(request: BeginReleaseRequest, services: Services, env: FunctionEnv) -> ReleaseGrant:  # noqa: ARG001
    return begin_release(request, services)
