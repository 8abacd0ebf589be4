"""``mooring data profile``: writes a page with a dataset's columns, for use before modelling."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from mooring.cli.dataset import SHORT_ID, dataset_arguments, opened
from mooring.cli.terminal import json_option, plain, print_json, transfer
from mooring.errors import MooringError


@click.command(short_help="Write a page about a commit's columns.")
@dataset_arguments
@click.argument("revision", default="HEAD")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page to this file.  [default: DATASET-COMMIT.html]",
)
@json_option
def profile(environment: str, dataset: str, revision: str, output: Path | None, as_json: bool) -> None:
    """Write a page about the columns of a commit of DATASET: one HTML file that needs no network.

    It shows each column's distribution, missing values and course in time, correlated columns, and anomalies. The page
    contains rows of the dataset: keep it where the dataset may be. REVISION is HEAD (the default), HEAD~2 (two before
    it), or an id or its first digits.
    """
    from mooring.cli.tables import Tables  # noqa: PLC0415 - pandas takes a second to import
    from pipelines.views.exploration import profiling  # noqa: PLC0415
    from pipelines.views.exploration.notices import find_notices  # noqa: PLC0415
    from pipelines.views.exploration.page import render  # noqa: PLC0415

    with (
        opened(environment, dataset) as found,
        transfer(f"Profiling {dataset}") as on_progress,
        tempfile.TemporaryDirectory(prefix="mooring-profile-") as folder,
    ):
        commit = found.resolve(revision)
        tables = Tables(found, [commit], Path(folder), to_read_bytes=commit.size_bytes, on_progress=on_progress)
        try:
            made = profiling.profile(commit.files, tables)
        except profiling.NoTableError as error:
            remedy = (
                f"commit CSV, gzipped CSV or Parquet files; list the files: mooring data show {environment} {dataset}"
            )
            raise MooringError(str(error), remedy=remedy) from error
    about = {"commit": commit.id, "author": commit.author, "time": commit.time, "message": commit.message}
    notices = find_notices(made)
    page = output or Path(f"{dataset}-{commit.id[:SHORT_ID]}.html")
    page.write_text(render(made, notices, title=f"{dataset} in {environment}", about=about), encoding="utf-8")
    if as_json:
        print_json(
            {
                "page": str(page),
                "commit": commit.id,
                "notices": [asdict(notice) for notice in notices],
                "profile": asdict(made),
            }
        )
        return
    click.echo(f"{made.rows:,} rows, {len(made.columns)} columns; {len(notices)} things to notice:")
    for notice in notices:
        click.echo(plain(f"  {f'{notice.column} ' if notice.column else ''}{notice.text}"))
    click.echo(f"Open the page in a browser: {page}")
