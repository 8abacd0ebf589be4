"""``mooring data send``: sends rows of files to a model's endpoint, as an application would."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from mooring.cdk import PROJECT
from mooring.cli.fleet import find, program_folder, target_of
from mooring.cli.terminal import json_option, print_json, progress
from mooring.deployed import DeployedEnvironment
from mooring.traffic import labels_file, read_rows, send


@click.command("send", short_help="Send rows of files to a model's endpoint.")
@click.argument("environment")
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Prefix of the requests' inference ids.  [default: the first file's name and the time]")
@click.option("--labels", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows' labels to this file.")
@json_option
def send_rows(
    environment: str, model: str, files: tuple[Path, ...], name: str | None, labels: Path | None, as_json: bool
) -> None:
    """Send the rows of FILES to MODEL's endpoint: the features in its contract, 250 rows per request.

    With --labels it writes the target column to a file; upload that with ``mooring labels``.

    \b
    Example:  mooring data send arrivals-dev-us-east-1 late-arrival flights/2013-06.csv.gz --labels june.csv
    """
    # YAML and pandas take half a second to import.
    from pipelines.jobs.validation.data_contract.contract import read_contract  # noqa: PLC0415

    deployed = DeployedEnvironment(find(environment, model=model))
    folder = PROJECT / "pipelines" / "models" / program_folder(environment, model)
    contract = read_contract(folder / "contract.yaml")
    rows = read_rows(files, contract.features, target_of(environment, model))
    begun = datetime.now(UTC)
    chosen = name or f"{files[0].name.partition('.')[0]}-{begun:%Y%m%dT%H%M%S}"
    sent, started = 0, time.monotonic()
    with progress(f"Sending {len(rows.lines):,} rows") as update:

        def on_request(count: int) -> None:
            nonlocal sent
            sent += count
            update(f"Sending {len(rows.lines):,} rows: {sent:,} answered")

        client = deployed.client("sagemaker-runtime", "consumer")
        endpoint = deployed.environment.model(model).endpoint
        answers = send(client, endpoint, rows.header, rows.lines, name=chosen, on_request=on_request)
    seconds = time.monotonic() - started
    if labels:
        labels.write_text(labels_file(chosen, rows.labels), encoding="utf-8")
    hour = f"{begun:%Y-%m-%dT%H}"
    if as_json:
        print_json({"name": chosen, "hour": hour, "rows": len(rows.lines), "predictions": answers})
        return
    click.echo(f"{len(answers):,} predictions for {len(rows.lines):,} rows in {seconds:.1f} s; the first: {answers[0]}")
    if labels:
        click.echo(f"{len(rows.labels):,} labels in {labels}. Upload them for the checks:")
        click.echo(f"  mooring labels {environment} {model} {labels} --hour {hour}")
