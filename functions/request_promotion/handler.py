"""Make a champion's release record and start its promotion: see docs/reference/promotion.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.promotion.request import request_promotion
from pipelines.interface.env import RequestPromotionEnv
from pipelines.interface.requests import PromotionRequest, PromotionTicket


@handler(RequestPromotionEnv, PromotionRequest)
def handle(request: PromotionRequest, services: Services, env: RequestPromotionEnv) -> PromotionTicket:
    return request_promotion(request, services, tooling=Services.of(env.tooling), stages=env.stage_names)
