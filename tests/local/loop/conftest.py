"""One environment that the unmodified CDK CLI deploys to a server of its own, with a champion in service."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console

from mooring import bootstrap, cdk
from mooring.cli.fleet import find
from mooring.demo import chapters
from mooring.demo.story import Story
from mooring.deployed import DeployedEnvironment
from mooring.embedded import process


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployed environment, with its server, the variables of ``mooring env``, and the assembly."""

    server: process.Server
    variables: dict[str, str]
    assembly: Path
    logs: Path
    deployed: DeployedEnvironment


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("loop")
    environment = find("arrivals-dev-us-east-1")
    server = process.start(home=folder / "aws", port=process.free_port())
    variables = process.variables(server, account=environment.account, region=environment.region)
    assembly = folder / "cdk.out"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            cdk.run(["synth", "--quiet", "--output", str(assembly)], variables=variables, log=folder / "synth.log")
            bootstrap.bootstrap(environment, variables=variables, log=folder / "bootstrap.log")
            deployment = Deployment(
                server=server,
                variables=variables,
                assembly=assembly,
                logs=folder,
                deployed=DeployedEnvironment(environment, session=boto3.Session(region_name=environment.region)),
            )
            deploy(deployment)
            yield deployment
        finally:
            process.stop(home=folder / "aws")


def deploy(deployment: Deployment) -> str:
    """Deploy the environment's stacks with ``cdk deploy``; return its output."""
    return cdk.run(
        [
            "deploy",
            "--app",
            str(deployment.assembly),
            f"{deployment.deployed.environment.id}-*",
            "--require-approval",
            "never",
            "--concurrency",
            "3",
        ],
        variables=deployment.variables,
        log=deployment.logs / "deploy.log",
    )


@pytest.fixture(scope="package")
def stage(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> chapters.Stage:
    """Return the demo's stage with one environment; the story is printed to a string."""
    return chapters.Stage(
        story=Story(Console(file=io.StringIO())),
        arrivals=deployment.deployed,
        network=deployment.deployed,
        variables={},
        home=tmp_path_factory.mktemp("stage"),
    )


@pytest.fixture(scope="package")
def arrivals(stage: chapters.Stage) -> DeployedEnvironment:
    """Return the environment with a first champion, trained on January and February."""
    deployed = stage.arrivals
    chapters.commit_months(stage, deployed, range(1, 4))
    arn = deployed.start_retraining(chapters.MODEL, by="tester", reason="the first model")
    run = deployed.wait_for(arn, timeout_s=chapters.RUN_TIMEOUT_S)
    chapters.accepted(stage, deployed, chapters.MODEL, run, version=1)
    chapters.release(stage, deployed, chapters.MODEL, version=1)
    return deployed


@pytest.fixture(scope="package")
def admin(deployment: Deployment) -> Any:
    """Return a function that makes clients of the account's root."""
    environment = deployment.deployed.environment
    options = process.client_options(deployment.server, account=environment.account, region=environment.region)
    return lambda service: boto3.client(service, **options)
