"""Take the lease of a model's retraining: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.retraining.lease import take_from_event
from pipelines.interface.env import TakeLeaseEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(TakeLeaseEnv.from_environment().environment)
    return take_from_event(event, services)
