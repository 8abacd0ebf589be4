"""Reads the files of commits as tables: each content is downloaded once and read in pieces."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from pipelines.datasets.commits.commits import Commit, Dataset, File
from pipelines.tables.reading import read_chunks, read_columns


class Tables:
    """The tables of ``commits``, checked out below ``folder``; a call with a file yields its rows in pieces.

    ``to_read_bytes`` is the number of bytes that will be read in all, for the progress.
    """

    def __init__(
        self,
        dataset: Dataset,
        commits: Sequence[Commit],
        folder: Path,
        *,
        to_read_bytes: int,
        on_progress: Callable[[int, int, str], None],
    ) -> None:
        self._places: dict[str, Path] = {}
        self._to_read_bytes, self._read_bytes = to_read_bytes, 0
        self._on_progress = on_progress
        for number, commit in enumerate(commits):
            root = folder / str(number)
            self._adopt(commit, root)
            dataset.checkout(commit, root, on_progress=on_progress)
            self._places |= {file.sha256: root / file.path for file in commit.files}

    def __call__(self, file: File) -> Iterator[pd.DataFrame]:
        place = self._places[file.sha256]
        self._on_progress(self._read_bytes, self._to_read_bytes, f"Reading {file.path}")
        yield from read_frames(place, file.path)
        self._read_bytes += file.size_bytes

    def _adopt(self, commit: Commit, root: Path) -> None:
        """Link files of earlier commits into the folder: a checkout keeps files with the right content."""
        for file in commit.files:
            if place := self._places.get(file.sha256):
                target = root / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.hardlink_to(place)


def read_frames(place: Path, name: str) -> Iterator[pd.DataFrame]:
    """Yield the rows of a file in pieces, at least one; ``name`` says by its ending what the file is."""
    pieces = 0
    for chunk in read_chunks(place, name):
        pieces += 1
        yield chunk.rows.to_pandas(types_mapper=None if chunk.text else pd.ArrowDtype)
    if not pieces:
        yield pd.DataFrame(columns=read_columns(place, name), dtype="object")
