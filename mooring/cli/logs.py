"""``mooring logs``: prints the logs of a run, a release or a check, in order of time."""

import json
import os
import time

import click

from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, plain
from mooring.deployed import DeployedEnvironment
from mooring.logs import Flow, FlowLogs, LogLine, flow_of_check, flow_of_release, flow_of_run

POLL_S = 2.0
SETTLE_S = 10.0
"""Seconds after a flow's end during which its last lines may still arrive."""
SOURCE_WIDTH = 19


@click.command()
@click.argument("environment")
@click.argument("model")
@click.option("--run", metavar="ID", help="Print the logs of this run.  [default: the newest]")
@click.option("--release", metavar="ID", help="Print the logs of this release; 'last' is the newest.")
@click.option("--check", metavar="ID", help="Print the logs of this drift check; 'last' is the newest.")
@click.option("--follow", is_flag=True, help="Print new lines as they arrive, until the run or release has ended.")
@json_option
def logs(
    environment: str,
    model: str,
    run: str | None,
    release: str | None,
    check: str | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the logs of functions, state machine, jobs and endpoint for one run, release or check of MODEL.

    \b
    Example:  mooring logs arrivals-dev-us-east-1 late-arrival --follow
              mooring logs arrivals-dev-us-east-1 late-arrival --release last
    """
    if sum(value is not None for value in (run, release, check)) > 1:
        raise click.UsageError("give one of --run, --release and --check")
    deployed = DeployedEnvironment(find(environment, model=model))

    def flow() -> Flow:
        if release:
            return flow_of_release(deployed, model, _id(release))
        if check:
            return flow_of_check(deployed, model, _id(check))
        return flow_of_run(deployed, model, _id(run))

    found = flow()
    if not as_json:
        click.echo(f"{model} in {environment}: {found.title}, begun {found.begun:%Y-%m-%d %H:%M:%S} UTC", err=True)
    _print(FlowLogs(deployed, found).read(), as_json=as_json) if not follow else _follow(deployed, found, as_json)


def _follow(deployed: DeployedEnvironment, flow: Flow, as_json: bool) -> None:
    source = FlowLogs(deployed, flow)
    ended_at: float | None = None
    while ended_at is None or time.monotonic() - ended_at < SETTLE_S:
        _print(source.read(), as_json=as_json)
        if ended_at is None and (flow.execution is None or deployed.execution(flow.execution).ended):
            ended_at = time.monotonic()
        time.sleep(POLL_S)


def _id(text: str | None) -> str | None:
    return None if text == "last" else text


def _print(lines: list[LogLine], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            document = {"time": line.time.isoformat(), "source": line.source, "level": line.level}
            click.echo(json.dumps({**document, "message": line.message, **json.loads(line.fields)}))
        else:
            click.echo(_text(line))


def _text(line: LogLine) -> str:
    fields = " ".join(f"{name}={_value(value)}" for name, value in json.loads(line.fields).items())
    stamp = f"{line.time:%H:%M:%S}.{line.time.microsecond // 1000:03}"
    text = f"{stamp}  {line.source:<{SOURCE_WIDTH}} {plain(line.message)}{'  ' if fields else ''}{plain(fields)}"
    return click.style(text, fg="red") if line.level == "ERROR" and not os.environ.get("NO_COLOR") else text


def _value(value: object) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value, default=str)
