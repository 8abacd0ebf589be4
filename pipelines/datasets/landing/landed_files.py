"""Files that have landed: the listing of what lies there, version by version, and each as a source of a commit.

The listing is the truth; events only say that it is worth a look. It names versions, so that what was listed is what is
read, copied and deleted, whoever writes the same key meanwhile. An upload in parts is no version before it is complete.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.manifest import File
from pipelines.datasets.commits.sources import BLOCK_BYTES, MAX_BYTES, ChangedFileError
from pipelines.datasets.commits.versions import version_pages
from pipelines.datasets.landing.readable import UnreadableError, read
from pipelines.interface.landing import PREFIX, landing_prefix
from pipelines.interface.times import sortable_id

MAX_FILES = 10_000
"""What one commit takes; the rest is for the next."""
IN_MEMORY_BYTES = 8 << 20
"""A file up to this size is fetched once, though it is looked at twice."""


@dataclass(frozen=True, kw_only=True)
class LandedFile:
    """One version of one key below the landing prefix; ``path`` is its logical name."""

    bucket: Bucket
    key: str
    version: str
    path: str
    size_bytes: int
    landed_at: datetime

    @property
    def place(self) -> tuple[str, str]:
        return self.key, self.version

    @property
    def id(self) -> str:
        return sortable_id(self.landed_at, f"{self.key} {self.version}")

    def read(self, check_time: Callable[[], None]) -> "LandedSource":
        """Read it whole; ``check_time`` is called at every block, and raises when it has been long enough.

        Raises
        ------
        UnreadableError
            It is not what its name says, or is too large.
        MissingObjectError
            This version is gone.
        """
        if self.size_bytes > MAX_BYTES:
            raise UnreadableError(f"{self.size_bytes:,} bytes; a file of a commit has at most {MAX_BYTES:,}: split it")
        kept = list(self._fetch()) if self.size_bytes <= IN_MEMORY_BYTES else None

        def open_blocks() -> Iterator[bytes]:
            for block in self._fetch() if kept is None else kept:
                # What is small may be large once it is unpacked.
                check_time()
                yield block

        return LandedSource(landed=self, file=read(self.path, open_blocks))

    def _fetch(self) -> Iterator[bytes]:
        yield from self.bucket.open(self.key, self.version).iter_chunks(BLOCK_BYTES)


@dataclass(frozen=True, kw_only=True)
class LandedSource:
    """A landed file that was read, as a commit takes it."""

    landed: LandedFile
    file: File

    @property
    def size_bytes(self) -> int:
        return self.file.size_bytes

    def describe(self, path: str) -> File:  # noqa: ARG002 - it was described when it was read
        return self.file

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        """S3 copies exactly the version that was read, computes the copy's SHA-256, and it must be the same."""
        landed = self.landed
        # The uploader's tags and metadata stay behind: they are nobody's promise about the content.
        plain = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}
        version = bucket.copy_once(landed.key, landed.version, key, **plain)
        stored = bucket.find(key)
        if stored is None or stored.sha256 != file.sha256:
            raise ChangedFileError(f"{landed.key}: its copy {key} has another SHA-256 than what was read: {stored}")
        return version


@dataclass(kw_only=True)
class LandedFiles:
    """What lies in one dataset's folder: the newest version of every name, and those that it overwrote.

    ``more`` says that there are more names than one batch takes.
    """

    files: list[LandedFile] = field(default_factory=list)
    superseded: list[LandedFile] = field(default_factory=list)
    more: bool = False


def list_datasets(bucket: Bucket) -> list[str]:
    """The folders below the landing prefix; "" stands for files that lie in none."""
    datasets: set[str] = set()
    for page in version_pages(bucket, PREFIX, Delimiter="/"):
        datasets.update(entry["Prefix"].removeprefix(PREFIX)[:-1] for entry in page.get("CommonPrefixes", []))
        if any(entry["Key"] != PREFIX for entry in page.get("Versions", [])):
            datasets.add("")
    return sorted(datasets)


def list_landed(bucket: Bucket, dataset: str) -> LandedFiles:
    """All that has landed for a dataset, up to ``MAX_FILES`` names; what was deleted again has not landed."""
    found = LandedFiles()
    prefix, options = (landing_prefix(dataset), {}) if dataset else (PREFIX, {"Delimiter": "/"})
    entries = (entry for page in version_pages(bucket, prefix, **options) for entry in page.get("Versions", []))
    for key, versions in groupby(entries, key=itemgetter("Key")):
        # S3 gives a key's versions newest first.
        newest, *older = versions
        # A mark of a folder, as the console makes it, is no file.
        if not newest["IsLatest"] or (key.endswith("/") and not newest["Size"]):
            continue
        if len(found.files) == MAX_FILES:
            found.more = True
            break
        found.files.append(_landed_file(bucket, prefix, newest))
        found.superseded.extend(_landed_file(bucket, prefix, entry) for entry in older)
    return found


def _landed_file(bucket: Bucket, prefix: str, entry: Mapping[str, Any]) -> LandedFile:
    return LandedFile(
        bucket=bucket,
        key=entry["Key"],
        version=entry["VersionId"],
        path=entry["Key"].removeprefix(prefix),
        size_bytes=entry["Size"],
        landed_at=entry["LastModified"].astimezone(UTC),
    )
