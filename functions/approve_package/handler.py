"""Approve a model package: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.release.approve import approve_package
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import ApproveRequest, PackageVersion


@handler(FunctionEnv, ApproveRequest)
def handle(request: ApproveRequest, services: Services, env: FunctionEnv) -> PackageVersion:  # noqa: ARG001
    return approve_package(request, services)
