"""``mooring data diff``: compares the files and the columns of two commits."""

import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mooring.cli.dataset import dataset_arguments, one_line, opened, shown
from mooring.cli.terminal import json_option, plain, print_json, print_table, transfer
from pipelines.datasets.commits.commits import Commit, Dataset, File
from pipelines.datasets.commits.difference import FileDifference, compare_files

if TYPE_CHECKING:
    from pipelines.views.exploration.movement import ColumnMove, Movement


@click.command(short_help="Compare the files and columns of two commits.")
@dataset_arguments
@click.argument("old")
@click.argument("new", default="HEAD")
@click.option("--files", "files_only", is_flag=True, help="Compare the files only, without downloading them.")
@json_option
def diff(environment: str, dataset: str, old: str, new: str, files_only: bool, as_json: bool) -> None:
    """Compare the commits OLD and NEW of DATASET.

    Print the files that were added, removed, changed or renamed, the columns that were added or removed or have another
    kind, and how far each column moved. OLD and NEW are HEAD, HEAD~2 (two before it), or an id or its first digits.
    """
    with opened(environment, dataset) as found:
        before, after = found.resolve(old), found.resolve(new)
        files = compare_files(before.files, after.files)
        movement = None if files_only or not files else _movement(found, before, after)
    if as_json:
        print_json(
            {
                "old": before.id,
                "new": after.id,
                "files": asdict(files),
                "table": asdict(movement) if movement else None,
            }
        )
        return
    click.echo(f"{one_line(before)}\n-> {one_line(after)}")
    if not files:
        click.echo("Both commits have the same files.")
        return
    print_files(files)
    if movement:
        print_movement(movement)


def _movement(dataset: Dataset, old: Commit, new: Commit) -> "Movement":
    from mooring.cli.tables import Tables  # noqa: PLC0415 - pandas takes a second to import
    from pipelines.views.exploration.movement import compare_columns  # noqa: PLC0415

    # Each distinct content is read twice.
    to_read = 2 * sum({file.sha256: file.size_bytes for file in (*old.files, *new.files)}.values())
    with (
        tempfile.TemporaryDirectory(prefix="mooring-diff-") as folder,
        transfer(f"Comparing {dataset.name}") as on_progress,
    ):
        tables = Tables(dataset, [old, new], Path(folder), to_read_bytes=to_read, on_progress=on_progress)
        return compare_columns(old.files, new.files, tables)


def print_files(files: FileDifference) -> None:
    rows = [
        *(("added", file.path, "", *_size(file)) for file in files.added),
        *(("removed", file.path, "", *_size(file)) for file in files.removed),
        *(("changed", pair.new.path, "", *_sizes(pair.old, pair.new)) for pair in files.changed),
        *(("renamed", pair.new.path, f"was {pair.old.path}", *_size(pair.new)) for pair in files.renamed),
    ]
    counts = ", ".join(f"{len(getattr(files, kind))} {kind}" for kind in ("added", "removed", "changed", "renamed"))
    print_table(f"Files: {counts}", ("", "file", "", "rows", "bytes"), rows)


def _size(file: File) -> tuple[str, str]:
    return shown(file.rows), f"{file.size_bytes:,}"


def _sizes(old: File, new: File) -> tuple[str, str]:
    return f"{shown(old.rows)} -> {shown(new.rows)}", f"{old.size_bytes:,} -> {new.size_bytes:,}"


def print_movement(movement: "Movement") -> None:
    schema = movement.schema
    rows = [
        *(("added", name, kind) for name, kind in schema.added.items()),
        *(("removed", name, kind) for name, kind in schema.removed.items()),
        *(("other kind", name, f"{old} -> {new}") for name, (old, new) in schema.retyped.items()),
    ]
    if rows:
        print_table("Columns", ("", "column", "kind"), rows)
    else:
        click.echo("Columns: the same, of the same kinds.\n")
    if movement.columns:
        title = (
            f"How each column moved, {movement.old_rows:,} -> {movement.new_rows:,} rows "
            "(effect: 0 not beyond chance, 1 nothing in common)"
        )
        columns = ("column", "kind", "effect", "PSI", "from", "to", "missing")
        print_table(title, columns, [_move(column) for column in movement.columns])
    for path, why in movement.unread.items():
        click.echo(plain(f"Not compared: {path} is not a readable table: {why}"))


def _move(column: "ColumnMove") -> tuple[str, ...]:
    missing = [side.missing / max(side.rows, 1) for side in (column.old, column.new)]
    return (
        column.name,
        column.kind,
        f"{column.effect:.3f}",
        f"{column.psi:.3f}",
        holds(column, "old"),
        holds(column, "new"),
        f"{missing[0]:.1%} -> {missing[1]:.1%}" if any(missing) else "",
    )


def holds(column: "ColumnMove", side: str) -> str:
    """Return a column's span of time, mean, or the share that moved most, in one version, as text."""
    summary = getattr(column, side)
    if column.kind == "time":
        ends = (summary.low, summary.high)
        return " to ".join("?" if end is None else f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d}" for end in ends)
    if column.shifted is not None:
        return f"{column.shifted[:40]} {summary.shares.get(column.shifted, 0):.1%}"
    return "" if summary.mean is None else f"mean {summary.mean:.4g}"
