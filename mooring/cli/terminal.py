"""Helpers of the commands: progress, tables, JSON and folders. Colours obey ``NO_COLOR``."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

PIPED_WIDTH = 200

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def home() -> Path:
    """Return the embedded AWS's folder: ``MOORING_HOME``, else ``.mooring`` in the project's root."""
    return Path(os.environ.get("MOORING_HOME") or Path(__file__).parents[2] / ".mooring")


def cache() -> Path:
    """Return the folder of files that may be deleted: ``mooring`` in ``XDG_CACHE_HOME``, else in ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mooring"


def print_json(value: Any) -> None:
    """Print ``value`` as indented JSON; dates become ISO strings."""
    click.echo(json.dumps(value, indent=2, default=str))


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner with a text on the terminal; yield a function that changes the text. Silent when piped."""
    from rich.console import Console  # noqa: PLC0415 - the command line must start fast

    with Console(stderr=True).status(text) as status:
        yield status.update


@contextmanager
def transfer(text: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar of bytes; yield a function that takes done bytes, all bytes and a new text. Silent when piped."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(text, total=None)
        yield lambda done, total, now: shown.update(task, completed=done, total=total or None, description=now)


def plain(text: object) -> str:
    """Return text for a terminal, with control and invisible characters escaped, since others wrote it."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(text))


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, style: Callable[[str], str] = lambda _: ""
) -> None:
    """Print a table below its title; cells are printed as plain text in the ``style`` of their text, if it has one."""
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell), style=style(str(cell))) for cell in row))
    # A file or a pipe has no width, and nobody can search for a wrapped name.
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    # Rich would fold a title to the table's width.
    console.print(Text(plain(title), style="bold"))
    console.print(table)
