"""The places of a commit's bytes: a document beside the manifest that is part of neither id."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.datasets.commits.manifest import Commit
from pipelines.interface.codec import InvalidRecordError
from pipelines.interface.paths import places_key


@dataclass(frozen=True, kw_only=True)
class Places:
    """The bucket and the VersionIds of a commit's objects.

    ``versions`` gives the VersionId of the object of each digest, None in a bucket without versions. It is a hint that
    helps to find an object's own version below a later one: hash the bytes that it leads to.
    """

    bucket: str
    versions: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def read(cls, bucket: Bucket, dataset: str, commit: Commit | None) -> Self:
        """Return a commit's places; empty ones if there are none, or the document is damaged."""
        if commit is None:
            return cls(bucket=bucket.name)
        try:
            return bucket.read_record(cls, places_key(dataset, commit.id))
        except (MissingObjectError, InvalidRecordError):
            return cls(bucket=bucket.name)
