"""Where a commit's bytes lie: the record beside its manifest, in neither of its ids."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.datasets.commits.manifest import Commit
from pipelines.interface.paths import places_key


@dataclass(frozen=True, kw_only=True)
class Places:
    """``versions`` gives the VersionId of the object of each digest, None in a bucket without versions.

    Only a hint, for finding an object's own version under a later one: whoever uses it hashes what it leads to.
    """

    bucket: str
    versions: Mapping[str, str | None] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        return {"bucket": self.bucket, "versions": dict(self.versions)}

    @classmethod
    def read(cls, bucket: Bucket, dataset: str, commit: Commit | None) -> Self:
        """A commit's record; an empty one if there is none, or it is damaged."""
        if commit is None:
            return cls(bucket=bucket.name)
        try:
            document = json.loads(bucket.open(places_key(dataset, commit.id)).read())
            return cls(bucket=document["bucket"], versions=dict(document["versions"]))
        except (MissingObjectError, KeyError, TypeError, ValueError):
            return cls(bucket=bucket.name)
