"""List and erase all versions of objects, delete markers among them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.aws.client import Answer
from pipelines.aws.s3 import Bucket

ERASED_AT_ONCE = 1000
"""Number of versions that S3 deletes in one request."""


class NotErasedError(RuntimeError):
    """S3 refused to delete a version."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of an object; a marker only says that the object was deleted."""

    key: str
    id: str
    is_marker: bool
    is_latest: bool

    @property
    def place(self) -> tuple[str, str]:
        return self.key, self.id


def list_versions(bucket: Bucket, prefix: str) -> Iterator[Version]:
    """Yield every version of every key that begins with ``prefix``, the newest of a key first."""
    for page in version_pages(bucket, prefix):
        found = [(entry, False) for entry in page.get("Versions", [])]
        found += [(entry, True) for entry in page.get("DeleteMarkers", [])]
        # S3 lists versions and markers apart; only their times give the order within a key.
        found.sort(key=lambda pair: (pair[0]["IsLatest"], pair[0]["LastModified"]), reverse=True)
        found.sort(key=lambda pair: pair[0]["Key"])
        for entry, is_marker in found:
            yield Version(
                key=entry["Key"], id=entry["VersionId"], is_marker=is_marker, is_latest=bool(entry["IsLatest"])
            )


def version_pages(bucket: Bucket, prefix: str, **options: str) -> Iterator[Answer]:
    """Yield S3's own answers to ``ListObjectVersions``; each page is one request."""
    paginator = bucket.client.get_paginator("list_object_versions")
    yield from paginator.paginate(Bucket=bucket.name, Prefix=prefix, ExpectedBucketOwner=bucket.owner, **options)


def erase(bucket: Bucket, versions: Iterable[tuple[str, str]]) -> int:
    """Delete these versions (key, VersionId) for ever; return how many were given. A missing version is no error.

    Raises
    ------
    NotErasedError
        S3 refused one of them; the others may be gone.
    """
    doomed = [{"Key": key, "VersionId": version} for key, version in versions]
    for start in range(0, len(doomed), ERASED_AT_ONCE):
        answer = bucket.client.delete_objects(
            Bucket=bucket.name,
            Delete={"Objects": doomed[start : start + ERASED_AT_ONCE], "Quiet": True},
            ExpectedBucketOwner=bucket.owner,
        )
        if errors := answer.get("Errors"):
            raise NotErasedError(f"{len(errors)} versions were not deleted, e.g. {errors[0]}")
    return len(doomed)
