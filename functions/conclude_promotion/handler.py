"""Record the result of a promotion's release or return: see docs/reference/promotion.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.promotion.release import conclude_promotion
from pipelines.interface.env import FunctionEnv
from pipelines.interface.requests import PromotionStep


@handler(FunctionEnv, PromotionStep)
def handle(request: PromotionStep, services: Services, env: FunctionEnv) -> None:  # noqa: ARG001
    conclude_promotion(request, services)
