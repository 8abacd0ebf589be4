"""A dataset's commits: immutable, content-addressed versions in S3, whose head moves in the ledger.

A commit is written in an order in which every step refers to what is there already: objects, where they lie, manifest,
the ledger's record of it, and last the head, by a conditional write. Until then no reader sees anything of it; whatever
a writer that died left behind is what the next one would write anyway.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pipelines.aws.ledger import ConflictError, Ledger
from pipelines.aws.parallel import WORKERS
from pipelines.aws.s3 import Bucket, ExistsError, MissingObjectError
from pipelines.datasets.commits import checkout, verify
from pipelines.datasets.commits.checkout import CheckoutResult
from pipelines.datasets.commits.history import CommitRecord, History, NoDataError, RewrittenCommitError
from pipelines.datasets.commits.manifest import Commit, File, InvalidCommitError
from pipelines.datasets.commits.objects import Objects
from pipelines.datasets.commits.places import Places
from pipelines.datasets.commits.sources import LocalSource, Progress, Source
from pipelines.datasets.commits.verify import Damage
from pipelines.interface import keys
from pipelines.interface.names import Environment
from pipelines.interface.paths import commit_key, object_key, places_key

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
    """Other writers moved the head too often while this one tried to."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset of an environment."""

    name: str
    bucket: Bucket
    ledger: Ledger
    workers: int = WORKERS

    @classmethod
    def in_environment(cls, environment: Environment, name: str, *, s3: Any, dynamodb: Any) -> Self:
        """``s3`` and ``dynamodb`` are boto3 clients; the first with at least ``WORKERS`` connections."""
        return cls(
            name=name,
            bucket=Bucket(client=s3, name=environment.bucket("data"), owner=environment.account),
            ledger=Ledger(client=dynamodb, table=environment.ledger_table),
        )

    @property
    def history(self) -> History:
        return History(dataset=self.name, ledger=self.ledger)

    def read_head(self) -> str | None:
        """The newest commit's id, or None."""
        item = self.history.head_item()
        return item["commit"] if item else None

    def read_commit(self, commit_id: str) -> Commit:
        """Raises ``NoDataError`` if there is no such commit, ``InvalidCommitError`` if it is damaged.

        Of a commit that was rewritten the error is ``RewrittenCommitError``: the tombstone's answer.
        """
        try:
            manifest = self.bucket.open(commit_key(self.name, commit_id)).read()
        except MissingObjectError as error:
            raise self.history.absence_of(commit_id) from error
        return verify.read_manifest(manifest, self.name, commit_id)

    def head(self) -> Commit:
        """Raises ``NoDataError`` if nothing was committed yet."""
        _, commit = self._read_head()
        if commit is None:
            raise NoDataError(f"dataset {self.name!r} has no commit yet: commit files first")
        return commit

    def resolve(self, text: str, *, follow: bool = False) -> Commit:
        """The commit that ``text`` means: ``HEAD``, ``HEAD~2``, an id, or its first digits, at least six.

        A commit that was rewritten is refused, or with ``follow`` answered with what it became.

        Raises
        ------
        AmbiguousCommitError, RewrittenCommitError, NoDataError
        """
        return self.read_commit(self.history.find(text, follow=follow))

    def log(self, start: str | None = None) -> Iterator[Commit]:
        """The commit ``start``, by default the head, and its ancestors, newest first."""
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
        """Commit ``files`` (logical name -> path or source) on top of the head; returns the head if nothing changes.

        The commit holds the parent's other files too, unless ``replace_all``. Another writer's commit is never lost:
        if the head moves meanwhile, the commit is built anew on top of it.

        Raises
        ------
        InvalidCommitError
            No files, a wrong logical name, an unreadable or too large file, or one that changes meanwhile.
        HeadMovedError
            The head moved at every attempt.
        """
        if not files:
            raise InvalidCommitError(f"nothing to commit to {self.name!r}: no files were given")
        sources = {path: LocalSource(file) if isinstance(file, Path) else file for path, file in files.items()}
        time = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        head, parent = self._read_head()
        objects = Objects(self.bucket, self.name, known=_digests(parent))
        # A content is stored while others are still hashed; without a commit nobody sees it.
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
                # What was there a moment ago may have been forgotten since, by whoever moved the head.
                objects = Objects(self.bucket, self.name, known=_digests(parent))
                objects.take_again(((file, sources[file.path]) for file in described), workers=self.workers)
                continue
            return commit
        raise HeadMovedError(f"dataset {self.name!r}: the head moved {MAX_ATTEMPTS} times while committing; try again")

    def _read_head(self) -> tuple[dict[str, Any] | None, Commit | None]:
        while True:
            head = self.history.head_item()
            try:
                return head, self.read_commit(head["commit"]) if head else None
            except RewrittenCommitError:
                # It was rewritten after the head was read, so the head is another one now.
                if head and self.read_head() == head["commit"]:
                    raise

    def publish(self, commit: Commit, versions: Mapping[str, str | None]) -> None:
        """Write all of a commit but its objects, which are there, and the head: places, manifest, record.

        ``versions`` gives the objects' VersionIds by digest, of other objects too.
        """
        digests = {file.sha256 for file in commit.files}
        places = Places(
            bucket=self.bucket.name,
            versions={digest: version for digest, version in sorted(versions.items()) if digest in digests},
        )
        self.bucket.write_json(places_key(self.name, commit.id), places.to_document())
        manifest = self._write_manifest(commit)
        record = CommitRecord(
            id=commit.id,
            tree=commit.tree,
            parent=commit.parent,
            time=commit.time,
            manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        )
        try:
            self.ledger.put(keys.dataset_pk(self.name), keys.commit_sk(commit.id), record.to_item(), expected=None)
        except ConflictError:
            # The same commit of a writer that died, or that was as fast: it is the same item.
            if self.history.record(commit.id) != record:
                raise InvalidCommitError(f"commit {commit.id}: the ledger's record is of another manifest") from None

    def _write_manifest(self, commit: Commit) -> bytes:
        """The manifest's bytes as they lie in the bucket: the first writer's, who may have noted rows differently."""
        key = commit_key(self.name, commit.id)
        manifest = json.dumps(commit.to_document(), sort_keys=True).encode()
        try:
            self.bucket.write_once(key, manifest, ContentType="application/json")
        except ExistsError:
            manifest = self.bucket.open(key).read()
            verify.read_manifest(manifest, self.name, commit.id)
        return manifest

    def move_head(self, commit: Commit, expected: Mapping[str, Any] | None) -> None:
        """Make a published commit the head; raises ``ConflictError`` if the head is not ``expected`` any more."""
        number = expected["number"] + 1 if expected else 1
        self.ledger.put(
            keys.dataset_pk(self.name),
            keys.HEAD,
            {"commit": commit.id, "number": number, "tree": commit.tree},
            expected={name: expected[name] for name in ("commit", "number")} if expected else None,
        )

    def checkout(
        self, commit: Commit, folder: Path, *, overwrite: bool = False, on_progress: Progress | None = None
    ) -> CheckoutResult:
        """Write a commit's files to ``folder``; see ``pipelines.datasets.commits.checkout``."""
        return checkout.checkout(
            self.bucket, commit, folder, overwrite=overwrite, workers=self.workers, on_progress=on_progress
        )

    def verify(self, commit: Commit | None = None, *, on_progress: Progress | None = None) -> list[Damage]:
        """Re-hash a commit, or by default the whole history; see ``pipelines.datasets.commits.verify``."""
        return verify.verify(
            self.bucket, self.history, commit.id if commit else None, workers=self.workers, on_progress=on_progress
        )

    def sagemaker_manifest(self, commit: Commit) -> list[Any]:
        """The commit as SageMaker's manifest file: each object by its digest, whatever happens to the bucket."""
        digests = sorted({file.sha256 for file in commit.files})
        return [{"prefix": self.bucket.uri(object_key(self.name, ""))}, *digests]


def _digests(commit: Commit | None) -> set[str]:
    return {file.sha256 for file in commit.files} if commit else set()
