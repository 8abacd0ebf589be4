"""The commit that a run was planned from, as its jobs read it: ``commit.json`` and the objects beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.interface.codec import read_json


class CorruptObjectError(ValueError):
    """A file's bytes are not those that the commit names."""


@dataclass(frozen=True, kw_only=True)
class CommittedFile:
    """File of a commit: its logical name ``path`` and the digest of its bytes in hexadecimal.

    ``rows`` and ``columns`` are None where the commit does not know them.
    """

    path: str
    sha256: str
    size_bytes: int
    rows: int | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class CommitManifest:
    """``commit.json``: a dataset's files by logical name. ``time`` is ISO 8601 in UTC."""

    format: int
    dataset: str
    id: str
    tree: str
    parent: str | None
    author: str
    time: str
    message: str
    files: tuple[CommittedFile, ...]


def read_commit(path: Path) -> CommitManifest:
    """Read a ``commit.json``; raise ``InvalidRecordError`` if it is no commit."""
    return read_json(CommitManifest, path.read_bytes(), path.name)


def locate(commit: CommitManifest, objects: Path) -> Mapping[str, Path]:
    """Return the paths of the commit's files by their logical names, after each file's digest was computed again.

    Raises
    ------
    CorruptObjectError
        A file has another digest than the commit says.
    """
    files = {}
    for file in commit.files:
        path = objects / file.sha256
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != file.sha256:
            raise CorruptObjectError(f"{file.path}: SHA-256 is {found}, the commit says {file.sha256}")
        files[file.path] = path
    return files
