"""Count one batch of a window: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.interface.env import CountBatchEnv
from pipelines.monitoring.check import count_batch


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    env = CountBatchEnv.from_environment()
    return count_batch(event, Services(env.environment), key_arn=env.key_arn)
