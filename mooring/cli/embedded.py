"""``mooring up``, ``down`` and ``env``: the embedded AWS from a terminal."""

import re
import shlex
from difflib import get_close_matches

import click
from click.core import ParameterSource

from infra.images import REGISTRIES
from mooring.cli.terminal import home, json_option, print_json, progress
from mooring.embedded import process
from mooring.errors import MooringError

ACCOUNT = re.compile(r"\d{12}")
NEXT = """\
Next, in this terminal or another:
  eval "$(mooring env ENVIRONMENT)"   point boto3, the AWS CLI and cdk at it
  mooring status                      see what it holds
  mooring down                        stop it; it keeps nothing"""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=process.DEFAULT_PORT, show_default=True)
@click.option(
    "--schedule-speed",
    type=click.FloatRange(1, 3600),
    default=1.0,
    show_default=True,
    help="How much faster rate() schedules fire than on AWS.",
)
@json_option
def up(port: int, schedule_speed: float, as_json: bool) -> None:
    """Start the embedded AWS: a server on this machine's loopback, with TLS and IAM enforced, and nothing in it."""
    server = process.running(home())
    asked = click.get_current_context().get_parameter_source
    if server is None:
        with progress("Starting the embedded AWS"):
            server = process.start(home=home(), port=port, schedule_speed=schedule_speed)
        said = "runs"
    else:
        said = "already runs"
        for name, given, holds in (
            ("port", port, server.port),
            ("schedule-speed", schedule_speed, server.schedule_speed),
        ):
            if asked(name.replace("-", "_")) is ParameterSource.COMMANDLINE and given != holds:
                raise MooringError(
                    f"the embedded AWS already runs with --{name} {holds}, and not {given}",
                    remedy="stop it first, which forgets all that it holds: mooring down",
                )
        with progress("Waiting for the embedded AWS"):
            process.wait_until_ready(server)
    if as_json:
        print_json({"url": server.url, "pid": server.pid, "log": str(server.log), "home": str(server.home)})
    else:
        click.echo(f"The embedded AWS {said} at {server.url} (process {server.pid}, log {server.log})\n{NEXT}")


@click.command()
@json_option
def down(as_json: bool) -> None:
    """Stop the embedded AWS, its jobs and endpoints; what it held is gone."""
    with progress("Stopping the embedded AWS"):
        server = process.stop(home=home())
    if as_json:
        print_json({"stopped": server is not None})
    else:
        click.echo("The embedded AWS did not run" if server is None else f"Stopped (process {server.pid})")


@click.command()
@click.argument("environment", metavar="ENVIRONMENT|ACCOUNT")
@click.option("--region", help="Region; needed with an account, an environment has its own.")
@json_option
def env(environment: str, region: str | None, as_json: bool) -> None:
    """Print the variables that point boto3, the AWS CLI and cdk at one account and region of the embedded AWS.

    ENVIRONMENT is an id such as arrivals-dev-us-east-1 of fleet.yaml; ACCOUNT is any account id of 12 digits.

    \b
    Use it so:  eval "$(mooring env arrivals-dev-us-east-1)"
    """
    server = process.require_running(home())
    account, region = _place(environment, region)
    if region not in REGISTRIES:
        near = get_close_matches(region, REGISTRIES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise MooringError(f"there is no region {region!r}", remedy=f"{hint}take one of {', '.join(REGISTRIES)}")
    variables = process.variables(server, account=account, region=region)
    if as_json:
        print_json(variables)
    else:
        click.echo("unset AWS_PROFILE AWS_SESSION_TOKEN")
        for name, value in variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")


def _place(environment: str, region: str | None) -> tuple[str, str]:
    if ACCOUNT.fullmatch(environment):
        if region is None:
            raise MooringError(
                f"account {environment} is in many regions",
                remedy=f"name one: mooring env {environment} --region us-east-1",
            )
        return environment, region
    from mooring.cli.fleet import find  # noqa: PLC0415 - reads and validates fleet.yaml

    found = find(environment)
    return found.account, region or found.region
