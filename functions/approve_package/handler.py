"""Approve a model package: see docs/reference/flows.md."""

from typing import Any

from pipelines.clients import Services
from pipelines.contract.env import ApprovePackageEnv
from pipelines.release.approve import approve_package


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(ApprovePackageEnv.from_environment().environment)
    return approve_package(event, services)
