"""Verify a dataset: read and hash every manifest, record and object again, and list what is damaged."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipelines.aws.parallel import each
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.datasets.commits.history import History, NoDataError
from pipelines.datasets.commits.manifest import Commit, File, InvalidCommitError
from pipelines.datasets.commits.sources import Progress
from pipelines.interface.paths import commit_key, object_key
from pipelines.interface.records import CommitRecord


class DamageKind(StrEnum):
    CHANGED_OBJECT = "changed object"
    MISSING_OBJECT = "missing object"
    TRUNCATED_MANIFEST = "truncated manifest"
    FORGED_MANIFEST = "forged manifest"
    MISSING_MANIFEST = "missing manifest"
    FORGED_RECORD = "forged record"
    MISSING_RECORD = "missing record"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A damaged object, manifest or record. ``what`` is its key; for a record it is the commit's id."""

    kind: DamageKind
    what: str
    detail: str


class TruncatedManifestError(InvalidCommitError):
    """A manifest is no JSON document: it may be cut off."""


def read_manifest(manifest: bytes, dataset: str, commit_id: str) -> Commit:
    """Return the commit ``commit_id`` from its manifest.

    Raises
    ------
    InvalidCommitError
        The manifest is no commit, its ids are not those of its content, or it is another commit's.
    """
    try:
        document = json.loads(manifest)
    except ValueError as error:
        raise TruncatedManifestError(f"the manifest of commit {commit_id} is cut off: {error}") from error
    commit = Commit.from_document(document)
    if (commit.dataset, commit.id) != (dataset, commit_id):
        raise InvalidCommitError(f"the manifest of commit {commit_id} is that of {commit.id} of {commit.dataset!r}")
    return commit


def verify(
    bucket: Bucket, history: History, commit_id: str | None, *, workers: int, on_progress: Progress | None = None
) -> list[Damage]:
    """Return all damages of one commit, or with None of the whole history from the head on."""
    damages: list[Damage] = []
    objects: dict[str, tuple[File, str]] = {}
    for commit in _commits(bucket, history, commit_id, damages):
        for file in commit.files:
            objects.setdefault(file.sha256, (file, commit.id))
    total = sum(file.size_bytes for file, _ in objects.values())
    done = 0

    def check(entry: tuple[File, str]) -> tuple[File, Damage | None]:
        return entry[0], _check_object(bucket, history.dataset, *entry)

    found = []
    for file, damage in each(check, objects.values(), workers=workers):
        found += [damage] if damage else []
        done += file.size_bytes
        if on_progress:
            on_progress(done, total, "Verifying")
    return damages + sorted(found, key=lambda damage: damage.what)


def _commits(bucket: Bucket, history: History, commit_id: str | None, damages: list[Damage]) -> Iterator[Commit]:
    """Yield the readable commits; the parent of an unreadable one is read from the ledger."""
    head = history.head() if commit_id is None else None
    wanted = head.commit if head else commit_id
    if wanted is None:
        raise NoDataError(f"dataset {history.dataset!r} has no commit yet: commit files first")
    while wanted:
        record = history.record(wanted)
        commit = _check_manifest(bucket, history.dataset, wanted, record, damages)
        if head and wanted == head.commit and commit and head.tree != commit.tree:
            damages.append(_record_damage(wanted, "the head names another tree"))
        if commit:
            yield commit
        following = commit.parent if commit else record.parent if record else None
        wanted = following if commit_id is None else None


def _check_manifest(
    bucket: Bucket, dataset: str, commit_id: str, record: CommitRecord | None, damages: list[Damage]
) -> Commit | None:
    key = commit_key(dataset, commit_id)
    if record is None:
        damages.append(
            Damage(kind=DamageKind.MISSING_RECORD, what=commit_id, detail="the ledger has no record of this commit")
        )
    try:
        manifest: bytes = bucket.open(key).read()
        commit = read_manifest(manifest, dataset, commit_id)
    except MissingObjectError as error:
        damages.append(Damage(kind=DamageKind.MISSING_MANIFEST, what=key, detail=str(error)))
        return None
    except InvalidCommitError as error:
        truncated = isinstance(error, TruncatedManifestError)
        kind = DamageKind.TRUNCATED_MANIFEST if truncated else DamageKind.FORGED_MANIFEST
        damages.append(Damage(kind=kind, what=key, detail=str(error)))
        return None
    if record and hashlib.sha256(manifest).hexdigest() != record.manifest_sha256:
        damages.append(
            Damage(kind=DamageKind.FORGED_MANIFEST, what=key, detail="its digest is not the one in the ledger")
        )
    if record and (record.tree, record.parent, record.time) != (commit.tree, commit.parent, commit.time):
        damages.append(_record_damage(commit_id, "tree, parent or time are not those of the commit"))
    return commit


def _record_damage(commit_id: str, detail: str) -> Damage:
    return Damage(kind=DamageKind.FORGED_RECORD, what=commit_id, detail=f"in the ledger {detail}")


def _check_object(bucket: Bucket, dataset: str, file: File, commit_id: str) -> Damage | None:
    key = object_key(dataset, file.sha256)
    where = f"{file.path} of commit {commit_id}"
    try:
        found = bucket.sha256_of(key)
    except MissingObjectError:
        return Damage(kind=DamageKind.MISSING_OBJECT, what=key, detail=where)
    if found != file.sha256:
        return Damage(kind=DamageKind.CHANGED_OBJECT, what=key, detail=f"{where}: its content has the digest {found}")
    return None
