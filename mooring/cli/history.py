"""``mooring data log`` and ``show``: print the commits of a dataset."""

from collections import Counter
from dataclasses import asdict
from itertools import islice

import click

from mooring.cli.dataset import SHORT_ID, count_files, count_rows, dataset_arguments, opened, shown
from mooring.cli.terminal import json_option, plain, print_json, print_table, progress


@click.command(short_help="Print the commits, newest first.")
@dataset_arguments
@click.option("-n", "--limit", type=click.IntRange(1), help="Print at most this many commits.")
@json_option
def log(environment: str, dataset: str, limit: int | None, as_json: bool) -> None:
    """Print the commits of DATASET, newest first."""
    with opened(environment, dataset) as found, progress(f"Reading the history of {dataset}"):
        commits = list(islice(found.log(), limit))
    if as_json:
        print_json([asdict(entry) for entry in commits])
        return
    rows = [
        (c.id[:SHORT_ID], c.time, c.author, len(c.files), shown(count_rows(c)), f"{c.size_bytes:,}", c.message)
        for c in commits
    ]
    columns = ("commit", "time", "author", "files", "rows", "bytes", "message")
    print_table(f"{dataset} in {environment}", columns, rows)


@click.command(short_help="Print one commit and its files.")
@dataset_arguments
@click.argument("revision", default="HEAD")
@json_option
def show(environment: str, dataset: str, revision: str, as_json: bool) -> None:
    """Print one commit of DATASET: its files with their rows, columns and sizes.

    REVISION is HEAD, HEAD~2 (two before it), or an id or its first digits.
    """
    with opened(environment, dataset) as found:
        commit = found.resolve(revision)
    if as_json:
        print_json(asdict(commit))
        return
    facts = {
        "commit": commit.id,
        "tree": commit.tree,
        "parent": commit.parent or "none: the first commit",
        "author": commit.author,
        "time": commit.time,
        "message": commit.message,
        "size": f"{count_files(commit)}, {commit.size_bytes:,} bytes",
        "rows": shown(count_rows(commit)) or "unknown for some files",
        "columns": _columns([file.columns for file in commit.files]),
    }
    for name, value in facts.items():
        click.echo(f"{name:9}{plain(value)}")
    rows = [
        (
            file.path,
            shown(file.rows),
            "" if file.columns is None else len(file.columns),
            f"{file.size_bytes:,}",
            file.sha256[:SHORT_ID],
        )
        for file in commit.files
    ]
    print_table("files", ("file", "rows", "columns", "bytes", "sha256"), rows)


def _columns(known: list[tuple[str, ...] | None]) -> str:
    """Return all columns in order of appearance, with the number of files for those that not every file has."""
    tables = [columns for columns in known if columns is not None]
    counted = Counter(column for columns in tables for column in columns)
    columns = [
        name if count == len(tables) else f"{name} (in {count} of {len(tables)})" for name, count in counted.items()
    ]
    return f"{len(counted)}: {', '.join(columns)}" if columns else "unknown for all files"
