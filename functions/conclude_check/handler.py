"""Merge what was counted of a window, and conclude its check: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.interface.env import ConcludeCheckEnv
from pipelines.monitoring.check import conclude_check


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    env = ConcludeCheckEnv.from_environment()
    return conclude_check(event, Services(env.environment), key_arn=env.key_arn)
