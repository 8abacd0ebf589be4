"""``mooring check``, ``report`` and ``labels``: checks of a model's traffic and predictions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from mooring.checks import WINDOW_FORMS, Checks, window_of
from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, plain, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.interface.codec import to_json
from pipelines.interface.records import QualityHour

SHOWN_COLUMNS = 10


@click.command()
@click.argument("environment")
@click.argument("model")
@click.option("--window", help=f"Check this window: {WINDOW_FORMS}. Default: the last window, of the settings' length.")
@json_option
def check(environment: str, model: str, window: str | None, as_json: bool) -> None:
    """Check MODEL's traffic for drift from its training data now, and its predictions against labels."""
    checks = Checks(DeployedEnvironment(find(environment, model=model)), model)
    chosen = window_of(window, datetime.now(UTC)) if window else None
    with progress(f"Checking the traffic of {model}"):
        found = checks.run(chosen)
        document = checks.document(found.check_id) if found.version else {}
    if as_json:
        print_json({**document, **to_json(found)})
        return
    version = f" v{found.version}" if found.version else ""
    click.echo(f"{model}{version}, {found.begin} to {found.end}: {found.outcome.replace('_', ' ')}")
    click.echo(f"{found.rows:,} rows in {found.files} files")
    for finding in found.findings:
        click.echo(plain(f"  {finding}"))
    columns = document.get("columns", [])
    if isinstance(columns, list) and columns:
        names = ["column", "drifted", "effect", "importance", "PSI"]
        print_table("Columns, those that matter most first", names, map(_column, columns[:SHOWN_COLUMNS]))
    for hour in found.quality:
        click.echo(plain(_quality(hour)))


def _column(column: Mapping[str, Any]) -> list[str]:
    importance = column["importance"]
    return [
        column["name"],
        "yes" if column["drifted"] else "",
        f"{column['effect']:.3f}",
        "" if importance is None else f"{importance:.1%}",
        f"{column['psi']:.3f}",
    ]


def _quality(hour: QualityHour) -> str:
    value, before = hour.metrics.get(hour.metric), hour.evaluated.get(hour.metric)
    text = f"Quality of v{hour.version}, {hour.begin} to {hour.end}: {hour.outcome.replace('_', ' ')}"
    if value is not None:
        text += f", {hour.metric} {value:.3f} on {hour.rows:,} labelled rows"
    return text + (f" ({before:.3f} at evaluation)" if before is not None else "")


@click.command()
@click.argument("environment")
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page to this file.  [default: MODEL-CHECK.html]",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def report(environment: str, model: str, output: Path | None, opens: bool) -> None:
    """Download the HTML report of MODEL's last check."""
    checks = Checks(DeployedEnvironment(find(environment, model=model)), model)
    last = checks.last()
    file = output or Path(f"{model}-{last.check_id}.html")
    file.write_bytes(checks.report(last.check_id))
    click.echo(f"{file}: {model} v{last.version}, {last.begin} to {last.end}: {last.outcome.replace('_', ' ')}")
    if opens:
        click.launch(str(file.resolve()))


@click.command()
@click.argument("environment")
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--hour", required=True, help="Hour of the predictions, in UTC: 2026-03-01T11.")
@json_option
def labels(environment: str, model: str, files: tuple[Path, ...], hour: str, as_json: bool) -> None:
    """Upload the labels of MODEL's predictions of one hour; the next check measures the quality of that hour.

    FILES are CSV, plain or gzip, with the columns inference_id, label and, for requests of several rows, row (from 0).
    """
    try:
        moment = datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC)
    except ValueError as error:
        raise MooringError(f"--hour {hour!r} is not an hour", remedy="give it as 2026-03-01T11, in UTC") from error
    checks = Checks(DeployedEnvironment(find(environment, model=model)), model)
    keys = [checks.put_labels(file, moment) for file in files]
    if as_json:
        print_json(keys)
    else:
        click.echo("\n".join(keys))
