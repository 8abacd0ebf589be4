"""Test a deployed environment: see docs/reference/promotion.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.promotion.smoke import smoke_test
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import PromotionStep, SmokeAnswer


@handler(FunctionEnv, PromotionStep)
def handle(request: PromotionStep, services: Services, env: FunctionEnv) -> SmokeAnswer:  # noqa: ARG001
    return smoke_test(request, services)
