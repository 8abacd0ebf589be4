"""What a commit is: its files, its two ids, and the document that says both.

The *tree id* is the digest of paths and content digests alone: the same content has the same tree id anywhere. The
*commit id* adds dataset, parent, author, time and message. Rows and columns are notes on the content, in neither id.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

FORMAT = 1


class InvalidCommitError(ValueError):
    """What is to be committed, or what was read as a commit, is not a commit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """``path`` is the logical name, with forward slashes; ``sha256`` is hexadecimal.

    ``rows`` (without the header) and ``columns`` are known of CSV, gzipped CSV, and Parquet where pyarrow is installed;
    None of all else, and of a file that is not what its name says.
    """

    path: str
    sha256: str
    size_bytes: int
    rows: int | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Commit:
    """``files`` is the whole dataset, by path. ``time`` is ISO 8601 in UTC."""

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
        """The commit of ``files`` on top of ``parent``, whose other files it adopts.

        Raises
        ------
        InvalidCommitError
            A wrong logical name, or two that cannot lie side by side in one folder.
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
        """The commit with exactly these values, its ids computed.

        Raises
        ------
        InvalidCommitError
            A wrong logical name, or two that cannot lie side by side in one folder.
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

    def to_document(self) -> dict[str, Any]:
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
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a manifest and recompute both ids.

        Raises
        ------
        InvalidCommitError
            It is not a commit, or its ids are not those of its content.
        """
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        try:
            values = {name: document[name] for name in ("dataset", "parent", "author", "time", "message")}
            files = [_file(entry, shared) for entry in document["files"]]
            sealed = cls.seal(files=files, **values)
            ids = (document["id"], document["tree"], document["format"])
        except (AttributeError, KeyError, TypeError) as error:
            raise InvalidCommitError(f"not a commit's manifest: {error!r}") from error
        if ids != (sealed.id, sealed.tree, FORMAT):
            raise InvalidCommitError(f"commit {ids[0]!r} is damaged: its content has the id {sealed.id}")
        return sealed


def check_paths(paths: Iterable[str]) -> None:
    """Raise ``InvalidCommitError`` that names every path which is no logical name, or stands in another's way."""
    paths = list(paths)
    whole = set(paths)
    problems = [f"{path!r}: a logical name is a relative path without '.' and '..'" for path in paths if _wrong(path)]
    if len(whole) < len(paths):
        problems.append("a logical name stands twice")
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
    # Most names are plain: only those with a dot or a slash at a seam are taken apart.
    return any(part in ("", ".", "..") for part in path.split("/"))


def _file_document(file: File) -> dict[str, Any]:
    document: dict[str, Any] = {"path": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes}
    if file.rows is not None:
        document["rows"] = file.rows
    if file.columns is not None:
        document["columns"] = list(file.columns)
    return document


def _file(entry: Mapping[str, Any], shared: dict[tuple[str, ...], tuple[str, ...]]) -> File:
    """``shared`` keeps one tuple of columns for all files that have the same."""
    columns = tuple(entry["columns"]) if "columns" in entry else None
    return File(
        path=entry["path"],
        sha256=entry["sha256"],
        size_bytes=entry["size_bytes"],
        rows=entry.get("rows"),
        columns=None if columns is None else shared.setdefault(columns, columns),
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
