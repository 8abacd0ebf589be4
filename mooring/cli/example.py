"""``mooring data example``: writes the example dataset, the flights of 2013."""

from pathlib import Path

import click

from mooring.cli.terminal import json_option, print_json, progress


@click.command(short_help="Write the example dataset to a folder.")
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
