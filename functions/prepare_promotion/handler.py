"""Prepare the release or return of an imported record: see docs/reference/promotion.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.promotion.release import prepare_promotion
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import PromotedRelease, PromotionStep


@handler(FunctionEnv, PromotionStep)
def handle(request: PromotionStep, services: Services, env: FunctionEnv) -> PromotedRelease:  # noqa: ARG001
    return prepare_promotion(request, services)
