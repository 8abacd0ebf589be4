"""Take the lease of a model's retraining: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import TakeLeaseEnv
from pipelines.retraining.lease import take_from_event


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(TakeLeaseEnv.from_environment().environment)
    return take_from_event(event, services)
