"""Environments of the fleet on the loop's server, as ``mooring preflight`` sees them."""

from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from infra import fleet
from infra.fleet import FleetEnvironment
from mooring.embedded import process
from mooring.preflight.assembly import Assembly, read_assembly
from mooring.preflight.findings import Finding
from mooring.preflight.registry import CHECKS, FIRST
from mooring.preflight.run import run_check
from mooring.preflight.target import Target
from tests.local.loop.conftest import Deployment

FLEET = Path(__file__).parents[2] / "support" / "fleet.yaml"
BY_NAME = {check.name: check for check in (*FIRST, *CHECKS)}


@dataclass(frozen=True, kw_only=True)
class Place:
    """An environment of the fleet on the server, and its templates."""

    deployment: Deployment
    environment: FleetEnvironment
    assembly: Assembly

    def client(self, service: str) -> Any:
        names = self.environment.names
        options = process.client_options(self.deployment.server, account=names.account, region=names.region)
        return boto3.client(service, **options)  # type: ignore[call-overload]

    def findings(self, check: str, *, account: str = "") -> list[Finding]:
        """Run one check with the credentials of the environment's account, or of another."""
        names = self.environment.names
        options = process.client_options(self.deployment.server, account=account or names.account, region=names.region)
        done: Future[Assembly] = Future()
        done.set_result(self.assembly)

        def client(service: str) -> Any:
            return boto3.client(service, **options)  # type: ignore[call-overload]

        return run_check(BY_NAME[check], Target(self.environment, clients=client, assembly=done))

    def quota(self, service: str, code: str, value: float) -> Any:
        return self.client("service-quotas").request_service_quota_increase(
            ServiceCode=service, QuotaCode=code, DesiredValue=value
        )


def place(deployment: Deployment, environment_id: str, file: Path = FLEET) -> Place:
    whole = read_assembly(deployment.assembly)
    templates = {name: found for name, found in whole.templates.items() if name.startswith(f"{environment_id}-")}
    return Place(
        deployment=deployment,
        environment=fleet.load(file).environment(environment_id),
        assembly=replace(whole, templates=templates),
    )


def changed_fleet(dev: Place, folder: Path, before: str, after: str) -> Place:
    text = FLEET.read_text()
    assert before in text
    file = folder / "fleet.yaml"
    file.write_text(text.replace(before, after))
    return replace(dev, environment=fleet.load(file).environment(dev.environment.names.id))
