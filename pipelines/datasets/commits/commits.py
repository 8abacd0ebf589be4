"""A dataset's commits: immutable, content-addressed versions in S3, with a head in the ledger.

A commit is written in an order in which every step refers only to what exists already: objects, places, manifest, the
ledger's record, and last the head, by a conditional write. No reader sees a part of the commit before the head moves.
A writer that died leaves only what the next writer would write anyway.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pipelines.aws.client import Client
from pipelines.aws.ledger import ConflictError, Ledger
from pipelines.aws.parallel import WORKERS
from pipelines.aws.s3 import Bucket, ExistsError, MissingObjectError
from pipelines.datasets.commits import checkout, verify
from pipelines.datasets.commits.checkout import CheckoutResult
from pipelines.datasets.commits.history import History, NoDataError, RewrittenCommitError
from pipelines.datasets.commits.manifest import Commit, File, InvalidCommitError
from pipelines.datasets.commits.objects import Objects
from pipelines.datasets.commits.places import Places
from pipelines.datasets.commits.sources import LocalSource, Progress, Source
from pipelines.datasets.commits.verify import Damage
from pipelines.interface import keys
from pipelines.interface.codec import Json
from pipelines.interface.names import Environment
from pipelines.interface.paths import commit_key, object_key, places_key
from pipelines.interface.records import CommitRecord, Head
from pipelines.interface.times import format_time

__all__ = [
    "CheckoutResult",
    "Commit",
    "Damage",
    "Dataset",
    "File",
    "HeadMovedError",
    "InvalidCommitError",
    "NoDataError",
]

MAX_ATTEMPTS = 20


class HeadMovedError(RuntimeError):
    """Other writers moved the head at every attempt of this one."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset of an environment."""

    name: str
    bucket: Bucket
    ledger: Ledger
    workers: int = WORKERS

    @classmethod
    def in_environment(cls, environment: Environment, name: str, *, s3: Client, dynamodb: Client) -> Self:
        """Return an environment's dataset; ``s3`` is a client with at least ``WORKERS`` connections."""
        return cls(
            name=name,
            bucket=Bucket(client=s3, name=environment.bucket("data"), owner=environment.account),
            ledger=Ledger(client=dynamodb, table=environment.ledger_table),
        )

    @property
    def history(self) -> History:
        return History(dataset=self.name, ledger=self.ledger)

    def read_head(self) -> str | None:
        """Return the newest commit's id, or None if nothing was committed."""
        head = self.history.head()
        return head.commit if head else None

    def read_commit(self, commit_id: str) -> Commit:
        """Return the commit of an id.

        Raises
        ------
        NoDataError
            There is no such commit; if it was rewritten, the error is ``RewrittenCommitError``.
        InvalidCommitError
            The manifest is damaged.
        """
        try:
            manifest = self.bucket.open(commit_key(self.name, commit_id)).read()
        except MissingObjectError as error:
            raise self.history.absence_of(commit_id) from error
        return verify.read_manifest(manifest, self.name, commit_id)

    def head(self) -> Commit:
        """Return the newest commit; raises ``NoDataError`` if nothing was committed yet."""
        _, commit = self._read_head()
        if commit is None:
            raise NoDataError(f"dataset {self.name!r} has no commit yet: commit files first")
        return commit

    def resolve(self, text: str, *, follow: bool = False) -> Commit:
        """Return the commit that ``text`` means: ``HEAD``, ``HEAD~2``, an id, or its first digits, at least six.

        With ``follow``, a rewritten commit gives its replacement; else it is an error.

        Raises
        ------
        AmbiguousCommitError, RewrittenCommitError, NoDataError
        """
        return self.read_commit(self.history.find(text, follow=follow))

    def log(self, start: str | None = None) -> Iterator[Commit]:
        """Yield the commit ``start``, by default the head, and its ancestors, newest first."""
        commit_id = start or self.read_head()
        while commit_id:
            commit = self.read_commit(commit_id)
            yield commit
            commit_id = commit.parent

    def commit(
        self,
        files: Mapping[str, Path | Source],
        *,
        author: str,
        message: str,
        now: datetime | None = None,
        replace_all: bool = False,
        on_progress: Progress | None = None,
    ) -> Commit:
        """Commit ``files`` (logical name -> path or source) on top of the head; return the head if nothing changes.

        The commit keeps the parent's other files, unless ``replace_all``. Another writer's commit is never lost: if the
        head moves meanwhile, the commit is made again on top of the new head.

        Raises
        ------
        InvalidCommitError
            No files, a wrong logical name, an unreadable or too large file, or a file that changes meanwhile.
        HeadMovedError
            The head moved at every attempt.
        """
        if not files:
            raise InvalidCommitError(f"nothing to commit to {self.name!r}: no files were given")
        sources = {path: LocalSource(file) if isinstance(file, Path) else file for path, file in files.items()}
        time = format_time(now or datetime.now(UTC))
        head, parent = self._read_head()
        objects = Objects(self.bucket, self.name, known=_digests(parent))
        # One content is stored while another is hashed; nobody sees it before a commit refers to it.
        described = objects.take(sources, workers=self.workers, on_progress=on_progress)
        for _ in range(MAX_ATTEMPTS):
            commit = Commit.of(
                self.name,
                described,
                parent=parent,
                author=author,
                time=time,
                message=message,
                replace_all=replace_all,
            )
            if parent and parent.tree == commit.tree:
                return parent
            self.publish(commit, {**Places.read(self.bucket, self.name, parent).versions, **objects.versions})
            try:
                self.move_head(commit, head)
            except ConflictError:
                head, parent = self._read_head()
                # The writer that moved the head may have erased contents that were there a moment ago.
                objects = Objects(self.bucket, self.name, known=_digests(parent))
                objects.take_again(((file, sources[file.path]) for file in described), workers=self.workers)
                continue
            return commit
        raise HeadMovedError(f"dataset {self.name!r}: the head moved {MAX_ATTEMPTS} times while committing; try again")

    def _read_head(self) -> tuple[Head | None, Commit | None]:
        while True:
            head = self.history.head()
            try:
                return head, self.read_commit(head.commit) if head else None
            except RewrittenCommitError:
                # It was rewritten after the head was read, so the head is another commit now.
                if head and self.read_head() == head.commit:
                    raise

    def publish(self, commit: Commit, versions: Mapping[str, str | None]) -> None:
        """Write a commit's places, manifest and record; its objects exist already, and the head does not move.

        ``versions`` gives VersionIds by digest, also of objects that are not the commit's.
        """
        digests = {file.sha256 for file in commit.files}
        places = Places(
            bucket=self.bucket.name,
            versions={digest: version for digest, version in sorted(versions.items()) if digest in digests},
        )
        self.bucket.write_record(places_key(self.name, commit.id), places)
        manifest = self._write_manifest(commit)
        record = CommitRecord(
            tree=commit.tree,
            parent=commit.parent,
            time=commit.time,
            manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        )
        try:
            self.ledger.create(keys.commit(self.name, commit.id), record)
        except ConflictError:
            # Another writer made the same commit: one that died, or one that was as fast. Its record is the same.
            if self.history.record(commit.id) != record:
                raise InvalidCommitError(f"commit {commit.id}: the ledger's record is of another manifest") from None

    def _write_manifest(self, commit: Commit) -> bytes:
        """Write the manifest where there is none; return the bytes in the bucket.

        They are the first writer's, whose counts of rows may differ.
        """
        key = commit_key(self.name, commit.id)
        manifest = json.dumps(commit.to_document(), sort_keys=True).encode()
        try:
            self.bucket.write_once(key, manifest, ContentType="application/json")
        except ExistsError:
            manifest = self.bucket.open(key).read()
            verify.read_manifest(manifest, self.name, commit.id)
        return manifest

    def move_head(self, commit: Commit, expected: Head | None) -> None:
        """Make a published commit the head; raises ``ConflictError`` if the head is no longer ``expected``."""
        key = keys.head(self.name)
        if expected is None:
            self.ledger.create(key, Head(commit=commit.id, number=1, tree=commit.tree))
            return
        moved = Head(commit=commit.id, number=expected.number + 1, tree=commit.tree)
        self.ledger.replace(key, moved, expected={"commit": expected.commit, "number": expected.number})

    def checkout(
        self, commit: Commit, folder: Path, *, overwrite: bool = False, on_progress: Progress | None = None
    ) -> CheckoutResult:
        """Write a commit's files to ``folder``; see ``pipelines.datasets.commits.checkout``."""
        return checkout.checkout(
            self.bucket, commit, folder, overwrite=overwrite, workers=self.workers, on_progress=on_progress
        )

    def verify(self, commit: Commit | None = None, *, on_progress: Progress | None = None) -> list[Damage]:
        """Hash a commit again, by default the whole history; see ``pipelines.datasets.commits.verify``."""
        return verify.verify(
            self.bucket, self.history, commit.id if commit else None, workers=self.workers, on_progress=on_progress
        )

    def sagemaker_manifest(self, commit: Commit) -> list[Json]:
        """Return the commit as SageMaker's manifest file.

        It names each object by its digest, so that no later write to the bucket changes what a job reads.
        """
        digests = sorted({file.sha256 for file in commit.files})
        return [{"prefix": self.bucket.uri(object_key(self.name, ""))}, *digests]


def _digests(commit: Commit | None) -> set[str]:
    return {file.sha256 for file in commit.files} if commit else set()
