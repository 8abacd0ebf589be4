"""``mooring up``, ``down`` and ``env``: start, stop and use the embedded AWS."""

import os
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
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
NEXT = """\
Next, in this terminal or another:
  eval "$(mooring env ENVIRONMENT)"   let boto3, the AWS CLI and cdk use it
  mooring embedded                    list what is in it
  mooring down                        stop it and delete everything in it"""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=process.DEFAULT_PORT,
    show_default=True,
    help="Listen on this port of the loopback interface.",
)
@click.option(
    "--schedule-speed",
    type=click.FloatRange(1, 3600),
    default=1.0,
    show_default=True,
    help="Run rate() schedules this many times as often as AWS.",
)
@json_option
def up(port: int, schedule_speed: float, as_json: bool) -> None:
    """Start an empty embedded AWS: a server on this machine's loopback that enforces TLS and IAM."""
    server = process.running(home())
    asked = click.get_current_context().get_parameter_source
    if server is None:
        with progress("Starting the embedded AWS"):
            server = process.start(home=home(), port=port, schedule_speed=schedule_speed)
        state = "runs"
    else:
        state = "already runs"
        for name, given, current in (
            ("port", port, server.port),
            ("schedule-speed", schedule_speed, server.schedule_speed),
        ):
            if asked(name.replace("-", "_")) is ParameterSource.COMMANDLINE and given != current:
                raise MooringError(
                    f"the embedded AWS already runs with --{name} {current}, not {given}",
                    remedy="stop it first, which deletes everything in it: mooring down",
                )
        with progress("Waiting for the embedded AWS"):
            process.wait_until_ready(server)
    if as_json:
        print_json({"url": server.url, "pid": server.pid, "log": str(server.log), "home": str(server.home)})
    else:
        click.echo(f"The embedded AWS {state} at {server.url} (process {server.pid}, log {server.log})\n{NEXT}")


@click.command()
@json_option
def down(as_json: bool) -> None:
    """Stop the embedded AWS with its jobs and endpoints, and delete everything in it."""
    with progress("Stopping the embedded AWS"):
        server = process.stop(home=home())
    if as_json:
        print_json({"stopped": server is not None})
    else:
        click.echo("The embedded AWS did not run" if server is None else f"Stopped (process {server.pid})")


@click.command()
@click.argument("environment", metavar="ENVIRONMENT|ACCOUNT")
@click.option("--region", help="Use this region; required with an account.  [default: the environment's]")
@click.option(
    "--proxy", "proxied", is_flag=True, help="Also lead clients that ignore AWS_ENDPOINT_URL through a proxy."
)
@json_option
def env(environment: str, region: str | None, proxied: bool, as_json: bool) -> None:
    """Print the variables for boto3, the AWS CLI and cdk to use one account and region of the embedded AWS.

    ENVIRONMENT is an id of fleet.yaml, such as arrivals-dev-us-east-1; ACCOUNT is any account id of 12 digits.

    With --proxy, clients that call AWS's own hosts (SageMaker's SDK 2, AWS CLI v1) reach the embedded AWS, too. The
    proxy leads nowhere else: use a terminal of its own, and close it when you are done.

    \b
    Example:  eval "$(mooring env arrivals-dev-us-east-1)"
    """
    server = process.require_running(home())
    account, region = _place(environment, region)
    if region not in REGISTRIES:
        near = get_close_matches(region, REGISTRIES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise MooringError(f"there is no region {region!r}", remedy=f"{hint}use one of {', '.join(REGISTRIES)}")
    variables = process.variables(server, account=account, region=region, proxied=proxied)
    if as_json:
        print_json(variables)
    else:
        earlier = [name for name in _PROXIES if not proxied and os.environ.get(name) == server.proxy_url]
        click.echo(f"unset {' '.join(['AWS_PROFILE', 'AWS_SESSION_TOKEN', *earlier])}")
        for name, value in variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")


def _place(environment: str, region: str | None) -> tuple[str, str]:
    if ACCOUNT.fullmatch(environment):
        if region is None:
            raise MooringError(
                f"account {environment} was given without a region",
                remedy=f"give one: mooring env {environment} --region us-east-1",
            )
        return environment, region
    from mooring.cli.fleet import find_deployable  # noqa: PLC0415 - reads and validates fleet.yaml

    found = find_deployable([environment])[0].names
    return found.account, region or found.region
