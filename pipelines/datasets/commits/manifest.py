"""A commit: its files, its two ids, and the manifest that holds them.

The *tree id* is the digest of paths and content digests alone: the same content has the same tree id anywhere. The
*commit id* adds dataset, parent, author, time and message. Rows and columns describe the content and are part of
neither id.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pipelines.interface.codec import InvalidRecordError, Json, read

FORMAT = 1


class InvalidCommitError(ValueError):
    """Files cannot be committed, or a document is no commit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of a commit. ``path`` is the logical name, with forward slashes; ``sha256`` is hexadecimal.

    ``rows`` (without the header) and ``columns`` are known for CSV, for gzipped CSV, and for Parquet where pyarrow is
    installed. They are None for other formats, and for a file that is not what its name says.
    """

    path: str
    sha256: str
    size_bytes: int
    rows: int | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A version of a dataset. ``files`` are all of its files, by path; ``time`` is ISO 8601 in UTC."""

    dataset: str
    id: str
    tree: str
    parent: str | None
    author: str
    time: str
    message: str
    files: tuple[File, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @classmethod
    def of(
        cls,
        dataset: str,
        files: Iterable[File],
        *,
        parent: "Commit | None",
        author: str,
        time: str,
        message: str,
        replace_all: bool = False,
    ) -> Self:
        """Return the commit of ``files`` on top of ``parent``, whose other files it keeps.

        Raises
        ------
        InvalidCommitError
            A wrong logical name, or one that would be both a file and a folder.
        """
        kept = {} if parent is None or replace_all else {file.path: file for file in parent.files}
        return cls.seal(
            dataset=dataset,
            files=(kept | {file.path: file for file in files}).values(),
            parent=parent.id if parent else None,
            author=author,
            time=time,
            message=message,
        )

    @classmethod
    def seal(
        cls, *, dataset: str, files: Iterable[File], parent: str | None, author: str, time: str, message: str
    ) -> Self:
        """Return the commit with exactly these values and computed ids.

        Raises
        ------
        InvalidCommitError
            A wrong logical name, or one that would be both a file and a folder.
        """
        ordered = tuple(sorted(files, key=lambda file: file.path))
        check_paths([file.path for file in ordered])
        tree = _digest([[file.path, file.sha256] for file in ordered])
        about = {"dataset": dataset, "parent": parent, "author": author, "time": time, "message": message}
        return cls(
            id=_digest({"tree": tree, **about}),
            tree=tree,
            dataset=dataset,
            files=ordered,
            parent=parent,
            author=author,
            time=time,
            message=message,
        )

    def to_document(self) -> dict[str, Json]:
        """Return the manifest."""
        return {
            "format": FORMAT,
            "dataset": self.dataset,
            "id": self.id,
            "tree": self.tree,
            "parent": self.parent,
            "author": self.author,
            "time": self.time,
            "message": self.message,
            "files": [_file_document(file) for file in self.files],
        }

    @classmethod
    def from_document(cls, document: object) -> Self:
        """Read a manifest and compute both ids again.

        Raises
        ------
        InvalidCommitError
            It is not a commit, or its ids are not those of its content.
        """
        shared: dict[object, tuple[str, ...]] = {}
        try:
            manifest = read(_Manifest, document, "manifest")
            files = [_file(entry, shared) for entry in _entries(manifest.files)]
        except (InvalidRecordError, TypeError) as error:
            raise InvalidCommitError(f"not a commit's manifest: {error}") from error
        sealed = cls.seal(
            dataset=manifest.dataset,
            files=files,
            parent=manifest.parent,
            author=manifest.author,
            time=manifest.time,
            message=manifest.message,
        )
        if (manifest.id, manifest.tree, manifest.format) != (sealed.id, sealed.tree, FORMAT):
            raise InvalidCommitError(f"commit {manifest.id!r} is damaged: its content has the id {sealed.id}")
        return sealed


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    """A manifest as it is stored; ``files`` is a list of up to ten thousand entries, each read by ``_file``."""

    format: int
    dataset: str
    id: str
    tree: str
    parent: str | None
    author: str
    time: str
    message: str
    files: object


def _entries(files: object) -> list[object]:
    if not isinstance(files, list):
        raise TypeError("files is no list")
    return files


def check_paths(paths: Iterable[str]) -> None:
    """Raise ``InvalidCommitError`` if paths are no logical names or clash; the message names all of them."""
    paths = list(paths)
    whole = set(paths)
    problems = [f"{path!r}: a logical name is a relative path without '.' and '..'" for path in paths if _wrong(path)]
    if len(whole) < len(paths):
        problems.append("a logical name is given twice")
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in whole:
            folder = folder.rpartition("/")[0]
        if folder:
            problems.append(f"{path!r}: {folder!r} cannot be a file and a folder")
    if problems:
        raise InvalidCommitError("; ".join(problems))


def _wrong(path: str) -> bool:
    if "\\" in path or "\0" in path:
        return True
    return any(part in ("", ".", "..") for part in path.split("/"))


def _file_document(file: File) -> dict[str, Json]:
    document: dict[str, Json] = {"path": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes}
    if file.rows is not None:
        document["rows"] = file.rows
    if file.columns is not None:
        document["columns"] = list(file.columns)
    return document


def _file(entry: object, shared: dict[object, tuple[str, ...]]) -> File:
    """Return a file of a manifest; ``shared`` keeps one tuple of columns for all files that have the same."""
    if isinstance(entry, dict):
        path, sha256, size_bytes = entry.get("path"), entry.get("sha256"), entry.get("size_bytes")
        rows, columns = entry.get("rows"), entry.get("columns")
        if isinstance(path, str) and isinstance(sha256, str) and isinstance(size_bytes, int):
            names = None if columns is None else _columns(columns, shared)
            return File(path=path, sha256=sha256, size_bytes=size_bytes, rows=rows, columns=names)
    raise TypeError(f"{entry!r:.200} is no file of a commit")


def _columns(columns: Iterable[object], shared: dict[object, tuple[str, ...]]) -> tuple[str, ...]:
    key = tuple(columns)
    if (found := shared.get(key)) is None:
        found = shared[key] = tuple(map(str, key))
    return found


def _digest(value: Json) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
