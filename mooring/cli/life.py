"""``mooring retrain``, ``approve``, ``rollback`` and ``show``: retrain, release and show one model."""

import getpass
import json
from collections.abc import Iterable, Sequence

import click

from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment, StateMachineRun
from mooring.errors import MooringError
from mooring.runs import Ending, RunResult, follow, read_evaluations
from pipelines.interface import keys
from pipelines.interface.codec import to_json
from pipelines.interface.names import execution_name, version_of
from pipelines.interface.records import Check, EvaluationReport, QualityHour, Release, Run

SHOWN = 10
"""Number of the newest records of each kind that ``show`` prints."""

by_option = click.option("--by", default=getpass.getuser, show_default="you", help="Your name; it is recorded.")
wait_option = click.option("--wait", "waits", is_flag=True, help="Wait for the end, and print the result.")


@click.command()
@click.argument("environment")
@click.argument("model")
@click.option("--reason", default="requested", show_default=True, help="Reason; it is recorded.")
@by_option
@wait_option
@json_option
@click.pass_context
def retrain(
    context: click.Context, environment: str, model: str, reason: str, by: str, waits: bool, as_json: bool
) -> None:
    """Start a retraining of MODEL: validate, train, evaluate against the champion, judge, register.

    With --wait it prints the result and exits with 0 if a version is registered, 2 if the candidate is rejected, 3 if
    the retraining is refused, 1 if it failed. If a commit has started a retraining already, it waits for that one.
    """
    deployed = DeployedEnvironment(find(environment, model=model))
    arn = deployed.start_retraining(model, by=by, reason=reason)
    if not waits:
        if as_json:
            print_json({"execution": arn})
        else:
            click.echo(f"Retraining {model}: {execution_name(arn)} is started")
            click.echo(f"Follow its logs: mooring logs {environment} {model} --follow")
        return
    with progress(f"Retraining {model}: {execution_name(arn)}"):
        result = follow(deployed, model, arn)
    if as_json:
        print_json({"asked": arn, **to_json(result)})
    else:
        click.echo(str(result))
        click.echo(_next_step(environment, result))
    context.exit(result.exit_code)


def _next_step(environment: str, result: RunResult) -> str:
    model = result.model
    if result.ending == Ending.REGISTERED:
        return f"Next: mooring approve {environment} {model} {result.version} --comment WHY"
    if result.ending == Ending.REJECTED:
        return f"The champion keeps serving. See the run: mooring lineage {environment} {model}/{result.run_id}"
    if result.ending == Ending.REFUSED:
        return f"The champion keeps serving. See what runs: mooring show {environment} {model}"
    return f"The champion keeps serving. See the logs: mooring logs {environment} {model} --run {result.run_id or 'ID'}"


@click.command()
@click.argument("environment")
@click.argument("model")
@click.argument("version", type=click.IntRange(1))
@click.option("--comment", required=True, help="Reason of the approval; it is recorded.")
@by_option
@json_option
def approve(environment: str, model: str, version: int, comment: str, by: str, as_json: bool) -> None:
    """Approve VERSION of MODEL; the release flow then makes it the champion."""
    deployed = DeployedEnvironment(find(environment, model=model))
    answer = deployed.approve(model, version, by=by, comment=comment)
    if as_json:
        print_json(to_json(answer))
    else:
        click.echo(f"{model} v{version} is approved by {by}. See the release: mooring show {environment} {model}")


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
    execution = deployed.execution(arn)
    what = f"Releasing {model} v{version}"
    if waits:
        with progress(f"{what}: {execution_name(arn)}"):
            execution = deployed.wait_for(arn)
    if as_json:
        print_json({"execution": arn, "status": execution.status, "output": execution.output, "cause": execution.cause})
    else:
        click.echo(f"{what}: {execution.status.lower()} ({arn})")
    _require_success(what, execution, environment, model)


def _require_success(what: str, execution: StateMachineRun, environment: str, model: str) -> None:
    if not execution.ended:
        return
    refused = execution.output.get("failure", {})
    if execution.status == "SUCCEEDED" and not refused:
        return
    cause = str(refused.get("Cause") or execution.cause)
    ended = "was refused" if refused else f"ended as {execution.status}"
    raise MooringError(
        f"{what} {ended}: {_reason(cause)}",
        remedy=f"the champion keeps serving; see the ledger: mooring show {environment} {model}",
    )


def _reason(cause: str) -> str:
    """Return the text of a function's or a job's error, without the JSON around it."""
    try:
        found = json.loads(cause)
    except ValueError:
        return cause
    names = ("errorMessage", "FailureReason", "ExitMessage")
    return next((str(found[name]) for name in names if isinstance(found, dict) and found.get(name)), cause)


@click.command()
@click.argument("environment")
@click.argument("model")
@json_option
def show(environment: str, model: str, as_json: bool) -> None:
    """Print MODEL's champion and its last runs, releases, checks, hours with labels and refused triggers."""
    deployed = DeployedEnvironment(find(environment, model=model))
    ledger = deployed.ledger
    champion, lease = ledger.get(keys.champion(model)), ledger.get(keys.lease(model))
    runs = [run for _, run in ledger.query(keys.runs(model))]
    releases = [release for _, release in ledger.query(keys.releases(model))]
    checks = [check for _, check in ledger.query(keys.checks(model))]
    hours = [hour for _, hour in ledger.query(keys.quality_hours(model))]
    refusals = list(ledger.query(keys.refusals(model)))
    if as_json:
        print_json(
            {
                "champion": _listed([champion] if champion else []),
                "lease": _listed([lease] if lease else []),
                "run": _listed(runs),
                "release": _listed(releases),
                "check": _listed(checks),
                "quality": _listed(hours),
                "refusal": [{"time": rest.partition("#")[0], **to_json(refusal)} for rest, refusal in refusals],
            }
        )
        return
    evaluations = read_evaluations(deployed.services("auditor"), model, [run.run_id for run in runs[-SHOWN:]])
    click.echo(f"{model} in {environment}: " + (f"champion v{champion.version}" if champion else "no champion yet"))
    tables: list[tuple[str, Sequence[str], list[list[str]]]] = [
        ("runs", _RUN_COLUMNS, [_run_row(run, evaluations.get(run.run_id)) for run in runs[-SHOWN:]]),
        ("releases", _RELEASE_COLUMNS, [_release_row(release) for release in releases[-SHOWN:]]),
        ("checks", _CHECK_COLUMNS, [_check_row(check) for check in checks[-SHOWN:]]),
        ("hours with labels", _QUALITY_COLUMNS, [_quality_row(hour) for hour in hours[-SHOWN:]]),
        (
            "refusals",
            ("when", "trigger", "reason"),
            [[rest.partition("#")[0], refusal.kind, refusal.reason] for rest, refusal in refusals[-SHOWN:]],
        ),
    ]
    for title, columns, rows in tables:
        if rows:
            print_table(f"Last {title}", columns, rows)


def _listed(found: Iterable[object]) -> list[dict[str, object]]:
    return [dict(to_json(record)) for record in found]


_RUN_COLUMNS = ("run", "trigger", "outcome", "version", "metric", "champion", "cause")
_RELEASE_COLUMNS = ("release", "outcome", "version", "cause")
_CHECK_COLUMNS = ("window ends", "outcome", "version", "rows", "changed most")
_QUALITY_COLUMNS = ("hour begins", "outcome", "version", "labelled rows", "metric")


def _run_row(run: Run, evaluation: EvaluationReport | None) -> list[str]:
    metric = champion = ""
    if evaluation:
        metric = _score(evaluation.metric, evaluation.candidate.get(evaluation.metric))
        champion = _score("", (evaluation.champion or {}).get(evaluation.metric))
    trigger = f"{run.trigger.kind} ({run.trigger.by})"
    return [run.run_id, trigger, run.outcome or "under way", _version(run.package_arn), metric, champion, run.cause]


def _release_row(release: Release) -> list[str]:
    outcome = release.outcome or "under way"
    return [release.release_id, outcome, _version(release.package_arn), release.cause]


def _check_row(check: Check) -> list[str]:
    changed = ", ".join(f"{column.name} {column.effect:.2f}" for column in check.worst[:3])
    return [check.end, check.outcome, _version(check.package_arn), str(check.rows), changed]


def _quality_row(hour: QualityHour) -> list[str]:
    metric = _score(hour.metric, hour.metrics.get(hour.metric))
    return [hour.begin, hour.outcome, f"v{hour.version}", str(hour.rows), metric]


def _score(metric: str, value: float | None) -> str:
    return "" if value is None else f"{metric} {value:.3f}".strip()


def _version(package_arn: str | None) -> str:
    return f"v{version_of(package_arn)}" if package_arn else ""
