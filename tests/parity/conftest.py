"""One environment's life on the embedded AWS, or with ``--account`` on a real one. The test bodies are the same.

``make parity`` runs them on the embedded AWS; ``make parity ACCOUNT=123456789012 ENVIRONMENT=team-dev-eu-west-1`` runs
them on the account of the terminal's credentials and of the fleet that ``MOORING_FLEET`` names. That half has not been
run yet.
"""

import io
import os
from collections.abc import Iterator

import boto3
import pytest
from rich.console import Console

from mooring.cli.fleet import find
from mooring.demo import chapters
from mooring.demo.story import Story
from mooring.deployed import DeployedEnvironment
from mooring.embedded import process
from mooring.errors import MooringError

EXAMPLE = "arrivals-dev-us-east-1"
SCHEDULE_SPEED = 720.0
"""On the embedded AWS the drift checks of an hour run every 5 s."""
REAL_TIMEOUT_S = 4 * 3600
"""Longest wait on a real account: captured traffic and its check may take two hours."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--account", help="Run on this real account, which costs some dollars.")
    parser.addoption("--environment", default=EXAMPLE, help="Run on this environment of the fleet.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep every other test from the real account."""
    if config.getoption("--account") and any("parity" not in item.path.parts for item in items):
        raise pytest.UsageError("--account is for tests/parity alone")


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[chapters.Stage]:
    environment, home = find(request.config.getoption("--environment")), tmp_path_factory.mktemp("parity")
    account = request.config.getoption("--account")
    with pytest.MonkeyPatch.context() as patch:
        if account:
            variables = dict(os.environ)
            patch.setattr(chapters, "RUN_TIMEOUT_S", REAL_TIMEOUT_S)
            require_account(account, environment.account, environment.region)
        else:
            server = process.start(home=home / "aws", port=process.free_port(), schedule_speed=SCHEDULE_SPEED)
            variables = process.variables(server, account=environment.account, region=environment.region)
            for name, value in variables.items():
                patch.setenv(name, value)
        try:
            yield chapters.Stage(
                story=Story(Console(file=io.StringIO())),
                arrivals=DeployedEnvironment(environment, session=boto3.Session(region_name=environment.region)),
                variables={environment.id: variables},
                home=home,
            )
        finally:
            if not account:
                process.stop(home=home / "aws")


def require_account(given: str, of_environment: str, region: str) -> None:
    """Check that the account on the command line is the environment's, and that of the credentials.

    Raises
    ------
    MooringError
        They are not the same account.
    """
    of_credentials = boto3.client("sts", region_name=region).get_caller_identity()["Account"]
    if not given == of_environment == of_credentials:
        raise MooringError(
            f"--account is {given}, the environment's {of_environment}, that of the credentials {of_credentials}",
            remedy="give the same account everywhere; MOORING_FLEET names the fleet's file",
        )
