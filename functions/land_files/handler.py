"""Commit the files that have landed: see docs/reference/data.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.datasets.landing.landing import land
from pipelines.interface.env import LandFilesEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - an event only wakes
    return {"batches": land(Services(LandFilesEnv.from_environment().environment))}
