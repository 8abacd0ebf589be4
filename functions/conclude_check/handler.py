"""Conclude the check of a large window: see docs/reference/monitoring.md."""

from pipelines.aws.clients import Services
from pipelines.aws.function import handler
from pipelines.interface.env import CheckEnv
from pipelines.interface.records import Check
from pipelines.interface.requests import ConcludeRequest
from pipelines.monitoring.check import conclude_check


@handler(CheckEnv, ConcludeRequest)
def handle(request: ConcludeRequest, services: Services, env: CheckEnv) -> Check:
    return conclude_check(request, services, key_arn=env.key_arn)
