"""Approve a model package: see docs/reference/flows.md."""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.flows.release.approve import approve_package
from pipelines.interface.env import ApprovePackageEnv


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    services = Services(ApprovePackageEnv.from_environment().environment)
    return approve_package(event, services)
