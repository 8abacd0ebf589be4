"""Import a release record into this environment: see docs/reference/promotion.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.flows.promotion.importing import import_release
from pipelines.interface.env import ImportReleaseEnv
from pipelines.interface.requests import PackageVersion, PromotionStep


@handler(ImportReleaseEnv, PromotionStep)
def handle(request: PromotionStep, services: Services, env: ImportReleaseEnv) -> PackageVersion:
    return import_release(request, services, env.origins, elsewhere=Services.of)
