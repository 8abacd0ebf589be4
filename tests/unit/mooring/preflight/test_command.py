"""The command refuses what it cannot do before it calls AWS."""

from click.testing import CliRunner

from mooring.cli import cli
from mooring.errors import MooringError


def refused(*arguments: str) -> MooringError:
    ran = CliRunner().invoke(cli, ["preflight", *arguments])
    assert isinstance(ran.exception, MooringError), ran.output
    return ran.exception


def test_json_cannot_ask_before_it_proves() -> None:
    error = refused("arrivals-dev-us-east-1", "--prove", "--json")
    assert "--prove asks" in error.message
    assert "--yes" in error.remedy


def test_environment_that_is_not_in_the_fleet_is_named() -> None:
    assert "no environment 'arrivals-dev-us-east-2'" in refused("arrivals-dev-us-east-2").message
