"""All versions of objects, delete markers among them: listing them, and erasing them for ever."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.storage import Bucket

ERASED_AT_ONCE = 1000
"""What S3 takes in one request."""


class NotErasedError(RuntimeError):
    """S3 did not delete a version that was to be deleted."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an object. ``is_marker``: it only says that the object was deleted."""

    key: str
    id: str
    is_marker: bool
    is_latest: bool


def list_versions(bucket: Bucket, prefix: str) -> Iterator[Version]:
    """Every version of every key that begins with ``prefix``; of one key the newest first."""
    pages = bucket.client.get_paginator("list_object_versions").paginate(
        Bucket=bucket.name, Prefix=prefix, ExpectedBucketOwner=bucket.owner
    )
    for page in pages:
        found = [(entry, False) for entry in page.get("Versions", [])]
        found += [(entry, True) for entry in page.get("DeleteMarkers", [])]
        # S3 lists versions and markers apart; within a key only their times put them in one order.
        found.sort(key=lambda pair: (pair[0]["IsLatest"], pair[0]["LastModified"]), reverse=True)
        found.sort(key=lambda pair: pair[0]["Key"])
        for entry, is_marker in found:
            yield Version(
                key=entry["Key"], id=entry["VersionId"], is_marker=is_marker, is_latest=bool(entry["IsLatest"])
            )


def erase(bucket: Bucket, versions: Iterable[Version]) -> int:
    """Delete these versions for ever; one that is gone is no error. Gives how many there were.

    Raises
    ------
    NotErasedError
        S3 refused one of them; the others may be gone.
    """
    doomed = [{"Key": version.key, "VersionId": version.id} for version in versions]
    for start in range(0, len(doomed), ERASED_AT_ONCE):
        answer = bucket.client.delete_objects(
            Bucket=bucket.name,
            Delete={"Objects": doomed[start : start + ERASED_AT_ONCE], "Quiet": True},
            ExpectedBucketOwner=bucket.owner,
        )
        if errors := answer.get("Errors"):
            raise NotErasedError(f"{len(errors)} versions were not deleted, e.g. {errors[0]}")
    return len(doomed)
