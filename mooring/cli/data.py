"""``mooring data``: commit files to a dataset, read its history, and write the example dataset."""

import getpass
from dataclasses import asdict
from pathlib import Path

import click

from mooring.cli.fleet import find, models_retrained_by_commit
from mooring.cli.terminal import json_option, print_json, print_table, progress
from mooring.deployed import Deployed
from mooring.errors import MooringError
from pipelines.data.commits import HeadMovedError, InvalidCommitError, NoDataError


@click.group()
def data() -> None:
    """Commit files to a dataset, and read its history."""


@data.command()
@click.argument("environment")
@click.argument("dataset")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-m", "--message", required=True, help="What this commit is about.")
@click.option("--author", default=getpass.getuser, show_default="you")
@json_option
def commit(environment: str, dataset: str, files: tuple[Path, ...], message: str, author: str, as_json: bool) -> None:
    """Commit FILES on top of the head of DATASET; a file replaces one of the same name, the others stay.

    \b
    Example:  mooring data commit arrivals-dev-us-east-1 flights 2013-*.csv.gz -m "January to March"
    """
    named = {file.name: file for file in files}
    if len(named) < len(files):
        raise MooringError("two of the files have the same name", remedy="commit them one after the other")
    deployed = Deployed(find(environment, dataset=dataset))
    with progress(f"Committing {len(files)} files to {dataset}"):
        try:
            before = deployed.dataset(dataset).read_head()
            made = deployed.dataset(dataset).commit(named, author=author, message=message)
        except (InvalidCommitError, HeadMovedError) as error:
            raise MooringError(str(error), remedy="mend the files named above, and commit again") from error
        retrained = [] if made.id == before else models_retrained_by_commit(environment, dataset)
        for model in retrained:
            deployed.request_retraining(model, kind="commit", trigger_id=made.id, by=author, reason=message)
    if as_json:
        print_json({**asdict(made), "retrains": retrained})
        return
    click.echo(f"{made.id}  {len(made.files)} files, {made.size_bytes:,} bytes, tree {made.tree[:12]}")
    if made.id == before:
        click.echo("Nothing changed: this is the head already.")
    for model in retrained:
        click.echo(f"{model} retrains on commits: asked for. Watch it: mooring show {environment} {model}")


@data.command()
@click.argument("environment")
@click.argument("dataset")
@json_option
def log(environment: str, dataset: str, as_json: bool) -> None:
    """Print the commits of DATASET, newest first."""
    try:
        commits = list(Deployed(find(environment, dataset=dataset)).dataset(dataset).log())
    except (InvalidCommitError, NoDataError) as error:
        raise MooringError(str(error), remedy="the history is damaged: restore the manifest's prior version") from error
    if as_json:
        print_json([asdict(entry) for entry in commits])
        return
    rows = [(c.id[:12], c.time, c.author, len(c.files), f"{c.size_bytes:,}", c.message) for c in commits]
    print_table(f"{dataset} in {environment}", ("commit", "time", "author", "files", "bytes", "message"), rows)


@data.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@json_option
def example(folder: Path, as_json: bool) -> None:
    """Write the example dataset, the flights of 2013, to FOLDER: twelve monthly files."""
    from pipelines.models import flights  # noqa: PLC0415 - pandas takes a second to import

    with progress("Writing the flights of 2013") as update:
        written: list[Path] = []
        for month in range(1, 13):
            update(f"Writing month {month} of 12")
            written += flights.write_months(folder, [month]).values()
    if as_json:
        print_json([str(path) for path in written])
    else:
        click.echo(f"{len(written)} files in {folder}")
