"""Start a step of a promotion in one environment, or look after it: see docs/reference/promotion.md."""

from pipelines.aws.assumed import assume
from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.promotion.drive import drive
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import DriveAnswer, DriveRequest


@handler(FunctionEnv, DriveRequest)
def handle(request: DriveRequest, services: Services, env: FunctionEnv) -> DriveAnswer:  # noqa: ARG001
    return drive(
        request, services, promoter=lambda environment: assume(services, environment, environment.promoter_role)
    )
