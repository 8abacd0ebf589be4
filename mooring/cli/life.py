"""``mooring retrain``, ``approve``, ``rollback`` and ``show``: the life of one model."""

import getpass
import json
from collections.abc import Callable
from typing import Any

import click

from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError

by_option = click.option("--by", default=getpass.getuser, show_default="you", help="Who asks; it is recorded.")
wait_option = click.option("--wait", "waits", is_flag=True, help="Wait for the end.")


@click.command()
@click.argument("environment")
@click.argument("model")
@click.option("--reason", default="asked for", show_default=True, help="Why; it is recorded.")
@by_option
@wait_option
@json_option
def retrain(environment: str, model: str, reason: str, by: str, waits: bool, as_json: bool) -> None:
    """Start a retraining of MODEL: validate, train, evaluate against the champion, judge, register."""
    deployed = DeployedEnvironment(find(environment, model=model))
    arn = deployed.start_retraining(model, by=by, reason=reason)
    _report(deployed, arn, f"Retraining {model}", waits, as_json)


@click.command()
@click.argument("environment")
@click.argument("model")
@click.argument("version", type=click.IntRange(1))
@click.option("--comment", required=True, help="What was looked at; it is recorded.")
@by_option
@json_option
def approve(environment: str, model: str, version: int, comment: str, by: str, as_json: bool) -> None:
    """Approve VERSION of MODEL; the release flow then makes it the champion."""
    deployed = DeployedEnvironment(find(environment, model=model))
    answer = deployed.approve(model, version, by=by, comment=comment)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{model} v{version} is approved by {by}. Watch the release: mooring show {environment} {model}")


@click.command()
@click.argument("environment")
@click.argument("model")
@click.argument("version", type=click.IntRange(1))
@by_option
@wait_option
@json_option
def rollback(environment: str, model: str, version: int, by: str, waits: bool, as_json: bool) -> None:
    """Release an older, approved VERSION of MODEL again."""
    deployed = DeployedEnvironment(find(environment, model=model))
    arn = deployed.start_rollback(model, version, by=by)
    _report(deployed, arn, f"Releasing {model} v{version}", waits, as_json)


@click.command()
@click.argument("environment")
@click.argument("model")
@json_option
def show(environment: str, model: str, as_json: bool) -> None:
    """Print what the ledger knows of MODEL: champion, runs, releases, drift checks, refused triggers."""
    deployed = DeployedEnvironment(find(environment, model=model))
    kinds = ("champion", "lease", "run#", "release#", "check#", "quality#", "refusal#")
    items = {kind.rstrip("#"): deployed.model_items(model, kind) for kind in kinds}
    if as_json:
        print_json(items)
        return
    champion = items["champion"][0] if items["champion"] else None
    click.echo(f"{model} in {environment}: " + (f"champion v{champion['version']}" if champion else "no champion yet"))
    for kind, columns in _COLUMNS.items():
        if rows := [[show_cell(item) for show_cell in columns.values()] for item in items[kind][-10:]]:
            print_table(f"Last {_PLURALS.get(kind, f'{kind}s')}", list(columns), rows)


_PLURALS = {"quality": "hours with labels"}

Cell = Callable[[dict[str, Any]], str]


def _field(name: str) -> Cell:
    return lambda item: str(item.get(name) or "")


def _version(item: dict[str, Any]) -> str:
    version = str(item.get("package_arn") or "").rpartition("/")[2]
    return f"v{version}" if version else ""


def _trigger(item: dict[str, Any]) -> str:
    trigger = item.get("trigger") or {}
    return f"{trigger.get('kind', '')} ({trigger.get('by', '')})" if trigger else ""


def _worst(item: dict[str, Any]) -> str:
    return ", ".join(f"{column['name']} {column['effect']:.2f}" for column in item.get("worst", [])[:3])


def _metric(item: dict[str, Any]) -> str:
    value = item["metrics"].get(item["metric"])
    return "" if value is None else f"{item['metric']} {value:.3f}"


_COLUMNS: dict[str, dict[str, Cell]] = {
    "run": {
        "run": _field("run_id"),
        "trigger": _trigger,
        "outcome": lambda item: str(item.get("outcome") or "under way"),
        "version": _version,
        "cause": _field("cause"),
    },
    "release": {
        "release": _field("release_id"),
        "outcome": lambda item: str(item.get("outcome") or "under way"),
        "version": _version,
        "cause": _field("cause"),
    },
    "check": {
        "window ends": _field("end"),
        "outcome": _field("outcome"),
        "version": _version,
        "rows": _field("rows"),
        "changed most": _worst,
    },
    "quality": {
        "hour begins": _field("begin"),
        "outcome": _field("outcome"),
        "version": lambda item: f"v{item['version']}",
        "labelled rows": _field("rows"),
        "metric": _metric,
    },
    "refusal": {
        "when": lambda item: str(item["sk"]).split("#")[1],
        "trigger": _field("kind"),
        "reason": _field("reason"),
    },
}


def _report(deployed: DeployedEnvironment, arn: str, what: str, waits: bool, as_json: bool) -> None:
    execution = deployed.execution(arn)
    if waits:
        with progress(f"{what}: {arn.rpartition(':')[2]}"):
            execution = deployed.wait_for(arn)
    if as_json:
        print_json({"execution": arn, "status": execution.status, "output": execution.output, "cause": execution.cause})
    else:
        click.echo(f"{what}: {execution.status.lower()} ({arn})")
    if execution.ended and execution.status != "SUCCEEDED":
        raise MooringError(
            f"{what} ended as {execution.status}: {_reason(execution.cause)}",
            remedy=f"the champion serves on; see the ledger: mooring show {deployed.environment.id} MODEL",
        )


def _reason(cause: str) -> str:
    """What a function or a job said, without the JSON around it."""
    try:
        said = json.loads(cause)
    except ValueError:
        return cause
    names = ("errorMessage", "FailureReason", "ExitMessage")
    return next((str(said[name]) for name in names if isinstance(said, dict) and said.get(name)), cause)
