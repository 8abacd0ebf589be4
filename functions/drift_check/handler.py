"""Check a window of captured traffic: see docs/reference/monitoring.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.interface.env import CheckEnv
from pipelines.interface.requests import CheckAnswer, CheckRequest
from pipelines.monitoring.check import check_drift


@handler(CheckEnv, CheckRequest)
def handle(request: CheckRequest, services: Services, env: CheckEnv) -> CheckAnswer:
    return check_drift(request, services, key_arn=env.key_arn)
