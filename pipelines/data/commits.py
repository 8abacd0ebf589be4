"""A dataset's commits: immutable, content-addressed versions in S3, whose head moves in the ledger.

The *tree id* is the digest of paths and content digests alone: the same content has the same tree id anywhere. The
*commit id* adds dataset, parent, author, time and message. A commit's objects are written first, its manifest next, and
last the head moves by a conditional write: until then no reader sees anything of it.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pipelines.contract import ledger as keys
from pipelines.contract.names import Environment
from pipelines.contract.paths import commit_key, object_key
from pipelines.ledger import ConflictError, Ledger
from pipelines.storage import Bucket, MissingObjectError

FORMAT = 1
MAX_ATTEMPTS = 20


class NoDataError(LookupError):
    """The dataset has no commit yet."""


class InvalidCommitError(ValueError):
    """What is to be committed, or what was read as a commit, is not a commit."""


class HeadMovedError(RuntimeError):
    """Other writers moved the head too often while this one tried to."""


@dataclass(frozen=True, kw_only=True)
class File:
    """``path`` is the logical name, with forward slashes; ``sha256`` is hexadecimal."""

    path: str
    sha256: str
    size_bytes: int


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
        files: Mapping[str, Path],
        *,
        parent: "Commit | None",
        author: str,
        time: str,
        message: str,
        replace_all: bool = False,
    ) -> Self:
        """The commit of ``files`` (logical name -> where it lies) on top of ``parent``, whose other files it adopts."""
        kept = {} if parent is None or replace_all else {file.path: file for file in parent.files}
        added = {path: _file(path, place) for path, place in files.items()}
        return cls._sealed(
            dataset=dataset,
            files=tuple(file for _, file in sorted((kept | added).items())),
            parent=parent.id if parent else None,
            author=author,
            time=time,
            message=message,
        )

    @classmethod
    def _sealed(cls, **values: Any) -> Self:
        tree = _digest([[file.path, file.sha256] for file in values["files"]])
        about = {name: values[name] for name in ("dataset", "parent", "author", "time", "message")}
        return cls(id=_digest({"tree": tree, **about}), tree=tree, **values)

    def to_document(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a manifest and recompute both ids.

        Raises
        ------
        InvalidCommitError
            It is not a commit, or its ids are not those of its content.
        """
        try:
            values = {name: document[name] for name in ("dataset", "parent", "author", "time", "message")}
            files = tuple(File(**file) for file in document["files"])
            sealed = cls._sealed(files=files, **values)
        except (KeyError, TypeError) as error:
            raise InvalidCommitError(f"not a commit's manifest: {error!r}") from error
        if document.get("format") != FORMAT or (sealed.id, sealed.tree) != (document.get("id"), document.get("tree")):
            raise InvalidCommitError(f"commit {document.get('id')!r} is damaged: its content has the id {sealed.id}")
        return sealed


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _file(path: str, place: Path) -> File:
    parts = path.split("/")
    if not path or path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise InvalidCommitError(f"{path!r}: a logical name is a relative path without '.' and '..'")
    try:
        with place.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidCommitError(f"{path}: cannot be read: {error}") from error
    return File(path=path, sha256=digest, size_bytes=place.stat().st_size)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset of an environment: ``s3`` and ``dynamodb`` are boto3 clients."""

    name: str
    bucket: Bucket
    ledger: Ledger

    @classmethod
    def in_environment(cls, environment: Environment, name: str, *, s3: Any, dynamodb: Any) -> Self:
        return cls(
            name=name,
            bucket=Bucket(client=s3, name=environment.bucket("data"), owner=environment.account),
            ledger=Ledger(client=dynamodb, table=environment.ledger_table),
        )

    def read_head(self) -> str | None:
        """The newest commit's id, or None."""
        item = self.ledger.get(keys.dataset_pk(self.name), keys.HEAD)
        return item["commit"] if item else None

    def read_commit(self, commit_id: str) -> Commit:
        """Raises ``NoDataError`` if there is no such commit, ``InvalidCommitError`` if it is damaged."""
        try:
            return Commit.from_document(self.bucket.read_json(commit_key(self.name, commit_id)))
        except MissingObjectError as error:
            raise NoDataError(f"dataset {self.name!r} has no commit {commit_id}") from error

    def head(self) -> Commit:
        """Raises ``NoDataError`` if nothing was committed yet."""
        head = self.read_head()
        if head is None:
            raise NoDataError(f"dataset {self.name!r} has no commit yet: commit files first")
        return self.read_commit(head)

    def log(self) -> Iterator[Commit]:
        """All commits, newest first."""
        commit_id = self.read_head()
        while commit_id:
            commit = self.read_commit(commit_id)
            yield commit
            commit_id = commit.parent

    def commit(
        self,
        files: Mapping[str, Path],
        *,
        author: str,
        message: str,
        now: datetime | None = None,
        replace_all: bool = False,
    ) -> Commit:
        """Commit ``files`` (logical name -> local path) on top of the head; returns the head if nothing changes.

        The commit holds the parent's other files too, unless ``replace_all``. Another writer's commit is never lost:
        if the head moves meanwhile, the commit is built anew on top of it.

        Raises
        ------
        InvalidCommitError
            No files, a wrong logical name, or an unreadable file.
        HeadMovedError
            The head moved at every attempt.
        """
        if not files:
            raise InvalidCommitError(f"nothing to commit to {self.name!r}: no files were given")
        time = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for _ in range(MAX_ATTEMPTS):
            item = self.ledger.get(keys.dataset_pk(self.name), keys.HEAD)
            parent = self.read_commit(item["commit"]) if item else None
            commit = Commit.of(
                self.name,
                files,
                parent=parent,
                author=author,
                time=time,
                message=message,
                replace_all=replace_all,
            )
            if parent and parent.tree == commit.tree:
                return parent
            self._write(commit, files, parent)
            try:
                self._move_head(commit, item)
            except ConflictError:
                continue
            return commit
        raise HeadMovedError(f"dataset {self.name!r}: the head moved {MAX_ATTEMPTS} times while committing; try again")

    def _write(self, commit: Commit, files: Mapping[str, Path], parent: Commit | None) -> None:
        stored = {file.sha256 for file in parent.files} if parent else set()
        for file in commit.files:
            key = object_key(self.name, file.sha256)
            if file.sha256 not in stored and not self.bucket.exists(key):
                checksum = base64.b64encode(bytes.fromhex(file.sha256)).decode()
                with files[file.path].open("rb") as body:
                    # S3 compares: a file that changed since it was hashed, or was damaged on its way, is refused.
                    self.bucket.write(key, body, ChecksumSHA256=checksum)
                stored.add(file.sha256)
        self.bucket.write_json(commit_key(self.name, commit.id), commit.to_document())

    def _move_head(self, commit: Commit, expected: Mapping[str, Any] | None) -> None:
        number = expected["number"] + 1 if expected else 1
        self.ledger.put(
            keys.dataset_pk(self.name),
            keys.HEAD,
            {"commit": commit.id, "number": number, "tree": commit.tree},
            expected={"commit": expected["commit"]} if expected else None,
        )

    def sagemaker_manifest(self, commit: Commit) -> list[Any]:
        """The commit as SageMaker's manifest file: each object by its digest, whatever happens to the bucket."""
        digests = sorted({file.sha256 for file in commit.files})
        return [{"prefix": self.bucket.uri(object_key(self.name, ""))}, *digests]
