"""Files that have landed: a listing of their versions, and each file as a source of a commit.

Only the listing says what has landed; events only start it. It names versions, so that the listed bytes are read,
copied and deleted, even if somebody writes the same key meanwhile. A multipart upload is no version before it is
complete.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from pipelines.aws.client import Answer
from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.manifest import File
from pipelines.datasets.commits.sources import BLOCK_BYTES, MAX_BYTES, ChangedFileError
from pipelines.datasets.commits.versions import version_pages
from pipelines.datasets.landing.readable import UnreadableError, read
from pipelines.interface.landing import PREFIX, landing_prefix
from pipelines.interface.times import sortable_id

MAX_FILES = 10_000
"""Largest number of files in one batch; the next batch has the rest."""
IN_MEMORY_BYTES = 8 << 20
"""Largest file that is fetched once and kept in memory, since its bytes are read twice."""


@dataclass(frozen=True, kw_only=True)
class LandedFile:
    """A version of a key below the landing prefix; ``path`` is its logical name."""

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
        """Read the whole file; ``check_time`` is called at every block, and raises when reading takes too long.

        Raises
        ------
        UnreadableError
            It is not what its name says, or is too large.
        MissingObjectError
            This version was deleted.
        """
        if self.size_bytes > MAX_BYTES:
            raise UnreadableError(f"{self.size_bytes:,} bytes; a file of a commit has at most {MAX_BYTES:,}: split it")
        kept = list(self._fetch()) if self.size_bytes <= IN_MEMORY_BYTES else None

        def open_blocks() -> Iterator[bytes]:
            for block in self._fetch() if kept is None else kept:
                # A small file may be large when it is unpacked.
                check_time()
                yield block

        return LandedSource(landed=self, file=read(self.path, open_blocks))

    def _fetch(self) -> Iterator[bytes]:
        yield from self.bucket.open(self.key, self.version).iter_chunks(BLOCK_BYTES)


@dataclass(frozen=True, kw_only=True)
class LandedSource:
    """A landed file that was read, as a source of a commit."""

    landed: LandedFile
    file: File

    @property
    def size_bytes(self) -> int:
        return self.file.size_bytes

    def describe(self, path: str) -> File:  # noqa: ARG002 - described when it was read
        return self.file

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        """Let S3 copy exactly the version that was read; the copy's SHA-256, which S3 computes, must be the same."""
        landed = self.landed
        # The uploader's tags and metadata are not copied: nobody has verified them.
        plain = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}
        version = bucket.copy_once(landed.key, landed.version, key, **plain)
        stored = bucket.find(key)
        if stored is None or stored.sha256 != file.sha256:
            raise ChangedFileError(f"{landed.key}: its copy {key} has another SHA-256 than the bytes read: {stored}")
        return version


@dataclass(kw_only=True)
class LandedFiles:
    """The newest version of each name in one dataset's folder, and the older versions, which it overwrote.

    ``more`` says that there are more names than one batch takes.
    """

    files: list[LandedFile] = field(default_factory=list)
    superseded: list[LandedFile] = field(default_factory=list)
    more: bool = False


def list_datasets(bucket: Bucket) -> list[str]:
    """Return the folders below the landing prefix; "" stands for files outside of any folder."""
    datasets: set[str] = set()
    for page in version_pages(bucket, PREFIX, Delimiter="/"):
        datasets.update(entry["Prefix"].removeprefix(PREFIX)[:-1] for entry in page.get("CommonPrefixes", []))
        if any(entry["Key"] != PREFIX for entry in page.get("Versions", [])):
            datasets.add("")
    return sorted(datasets)


def list_landed(bucket: Bucket, dataset: str, *, max_files: int = MAX_FILES) -> LandedFiles:
    """Return the files that have landed for a dataset, at most ``max_files`` names; deleted files are left out."""
    found = LandedFiles()
    prefix, options = (landing_prefix(dataset), {}) if dataset else (PREFIX, {"Delimiter": "/"})
    entries = (entry for page in version_pages(bucket, prefix, **options) for entry in page.get("Versions", []))
    for key, versions in groupby(entries, key=itemgetter("Key")):
        # S3 gives a key's versions newest first.
        newest, *older = versions
        # The console marks a folder by an empty object: that is no file.
        if not newest["IsLatest"] or (key.endswith("/") and not newest["Size"]):
            continue
        if len(found.files) == max_files:
            found.more = True
            break
        found.files.append(_landed_file(bucket, prefix, newest))
        found.superseded.extend(_landed_file(bucket, prefix, entry) for entry in older)
    return found


def _landed_file(bucket: Bucket, prefix: str, entry: Answer) -> LandedFile:
    return LandedFile(
        bucket=bucket,
        key=entry["Key"],
        version=entry["VersionId"],
        path=entry["Key"].removeprefix(prefix),
        size_bytes=entry["Size"],
        landed_at=entry["LastModified"].astimezone(UTC),
    )
