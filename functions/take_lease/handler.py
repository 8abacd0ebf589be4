"""Take the lease of a model's retraining: see docs/reference/flows.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.retraining.lease import take_lease
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import LeaseGrant, LeaseRequest


@handler(FunctionEnv, LeaseRequest)
def handle(request: LeaseRequest, services: Services, env: FunctionEnv) -> LeaseGrant:  # noqa: ARG001
    return take_lease(request, services)
