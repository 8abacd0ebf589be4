"""``mooring check``, ``report`` and ``labels``: is traffic still like the training data, and do predictions hold?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from mooring.checks import WINDOW_FORMS, Checks, window_of
from mooring.cli.fleet import find
from mooring.cli.terminal import json_option, plain, print_json, print_table, progress
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError

SHOWN_COLUMNS = 10


@click.command()
@click.argument("environment")
@click.argument("model")
@click.option("--window", help=f"Which traffic: {WINDOW_FORMS}. By default the last window of the settings' length.")
@json_option
def check(environment: str, model: str, window: str | None, as_json: bool) -> None:
    """Check MODEL's traffic now against what it was trained on, and its predictions against labels that came."""
    checks = Checks(DeployedEnvironment(find(environment, model=model)), model)
    chosen = window_of(window, datetime.now(UTC)) if window else None
    with progress(f"Checking the traffic of {model}"):
        found = checks.run(chosen)
        document = checks.document(found["check_id"]) if found["version"] else {}
    if as_json:
        print_json({**document, **found})
        return
    version = f" v{found['version']}" if found["version"] else ""
    click.echo(f"{model}{version}, {found['begin']} to {found['end']}: {found['outcome'].replace('_', ' ')}")
    click.echo(f"{found['rows']:,} rows in {found.get('files', 0)} files")
    for finding in found.get("findings", []):
        click.echo(plain(f"  {finding}"))
    if columns := document.get("columns", [])[:SHOWN_COLUMNS]:
        print_table(
            "Columns by what matters", ["column", "drifted", "effect", "importance", "PSI"], map(_column, columns)
        )
    for item in found.get("quality", []):
        click.echo(plain(_quality(item)))


def _column(column: dict[str, Any]) -> list[str]:
    importance = column["importance"]
    return [
        column["name"],
        "yes" if column["drifted"] else "",
        f"{column['effect']:.3f}",
        "" if importance is None else f"{importance:.1%}",
        f"{column['psi']:.3f}",
    ]


def _quality(item: dict[str, Any]) -> str:
    metric = item["metric"]
    value, before = item["metrics"].get(metric), item["evaluated"].get(metric)
    said = f"Quality of v{item['version']}, {item['begin']} to {item['end']}: {item['outcome'].replace('_', ' ')}"
    if value is not None:
        said += f", {metric} {value:.3f} on {item['rows']:,} labelled rows"
    return said + (f" ({before:.3f} at evaluation)" if before is not None else "")


@click.command()
@click.argument("environment")
@click.argument("model")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the page.")
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
def report(environment: str, model: str, output: Path | None, opens: bool) -> None:
    """Fetch the HTML report of MODEL's last check."""
    last, page = Checks(DeployedEnvironment(find(environment, model=model)), model).last_report()
    file = output or Path(f"{model}-{last['check_id']}.html")
    file.write_bytes(page)
    click.echo(
        f"{file}: {model} v{last['version']}, {last['begin']} to {last['end']}: {last['outcome'].replace('_', ' ')}"
    )
    if opens:
        click.launch(str(file.resolve()))


@click.command()
@click.argument("environment")
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--hour", required=True, help="The hour of the predictions, in UTC: 2026-03-01T11.")
@json_option
def labels(environment: str, model: str, files: tuple[Path, ...], hour: str, as_json: bool) -> None:
    """Hand in what came true of MODEL's predictions of an hour.

    FILES are CSV, plain or gzip, with the columns inference_id, label and, for requests of several rows, row (from 0).
    The next check measures the hour's quality anew.
    """
    try:
        moment = datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC)
    except ValueError as error:
        raise MooringError(f"--hour {hour!r} is no hour", remedy="give it as 2026-03-01T11, in UTC") from error
    checks = Checks(DeployedEnvironment(find(environment, model=model)), model)
    keys = [checks.put_labels(file, moment) for file in files]
    if as_json:
        print_json(keys)
    else:
        click.echo("\n".join(keys))
