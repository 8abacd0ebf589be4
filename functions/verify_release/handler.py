"""Verify what serves: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.release.verify import verify_release
from pipelines.interface.env import FunctionEnv
from pipelines.interface.records import Verification
from pipelines.interface.requests import VerifyRequest


@handler(FunctionEnv, VerifyRequest)
def handle(request: VerifyRequest, services: Services, env: FunctionEnv) -> Verification:  # noqa: ARG001
    return verify_release(request, services)
