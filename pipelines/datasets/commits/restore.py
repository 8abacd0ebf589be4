"""Restore objects and manifests that were deleted or overwritten; no version is erased.

An object's name is its digest, and the ledger holds the digest of a manifest. So the sound version is found by hashing
all versions that the bucket keeps, and copied as the newest. The bucket's policy allows a write to a commit only where
there is no object: a delete marker is put over other bytes first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.datasets.commits.commits import Dataset
from pipelines.datasets.commits.sources import BLOCK_BYTES
from pipelines.datasets.commits.verify import Damage
from pipelines.datasets.commits.versions import Version, list_versions
from pipelines.interface.paths import commit_key, object_key


@dataclass(frozen=True, kw_only=True)
class RestoredObject:
    """An object that was restored. ``version`` is the sound version; None if the bucket keeps none."""

    key: str
    version: str | None


def restore(dataset: Dataset, damages: Iterable[Damage]) -> list[RestoredObject]:
    """Restore every damaged object and manifest; damages of the ledger's records are skipped."""
    wanted = {damage.what: _digest(dataset, damage.what) for damage in damages}
    return [
        RestoredObject(key=key, version=_restore(dataset.bucket, key, digest))
        for key, digest in wanted.items()
        if digest
    ]


def _digest(dataset: Dataset, key: str) -> str | None:
    """Return the SHA-256 that the bytes at ``key`` should have, or None if nothing records it."""
    objects = object_key(dataset.name, "")
    first, last = commit_key(dataset.name, "\0").split("\0")
    if key.startswith(objects):
        return key.removeprefix(objects)
    if not key.startswith(first):
        return None
    record = dataset.history.record(key.removeprefix(first).removesuffix(last))
    return record.manifest_sha256 if record else None


def _restore(bucket: Bucket, key: str, digest: str) -> str | None:
    versions = [version for version in list_versions(bucket, key) if version.key == key]
    sound = next((version for version in versions if not version.is_marker and _hash(bucket, version) == digest), None)
    if sound is None or sound.is_latest:
        return sound.id if sound else None
    if not versions[0].is_marker:
        bucket.client.delete_object(Bucket=bucket.name, Key=key, ExpectedBucketOwner=bucket.owner)
    bucket.copy_once(key, sound.id, key)
    return sound.id


def _hash(bucket: Bucket, version: Version) -> str | None:
    digest = sha256()
    try:
        for block in bucket.open(version.key, version.id).iter_chunks(BLOCK_BYTES):
            digest.update(block)
    except MissingObjectError:
        return None
    return digest.hexdigest()
