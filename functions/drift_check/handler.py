"""Check a window of captured traffic: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.interface.env import DriftCheckEnv
from pipelines.monitoring.check import check_drift


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    env = DriftCheckEnv.from_environment()
    return check_drift(event, Services(env.environment), key_arn=env.key_arn)
