"""Commit the files that have landed: see docs/reference/data.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import LandFilesEnv
from pipelines.landing.landing import land


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - an event only wakes
    return {"batches": land(Services(LandFilesEnv.from_environment().environment))}
