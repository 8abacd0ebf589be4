"""Count one batch of a large window: see docs/reference/monitoring.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.interface.env import CheckEnv
from pipelines.interface.requests import CountAnswer, CountRequest
from pipelines.monitoring.check import count_batch


@handler(CheckEnv, CountRequest)
def handle(request: CountRequest, services: Services, env: CheckEnv) -> CountAnswer:
    return count_batch(request, services, key_arn=env.key_arn)
