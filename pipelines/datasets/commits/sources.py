"""Sources of a commit's bytes: each describes a file, and stores it under its digest."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from pipelines.aws.s3 import Bucket, ExistsError, checksum
from pipelines.datasets.commits.manifest import File, InvalidCommitError
from pipelines.tables.annotations import Annotation, annotate

BLOCK_BYTES = 1 << 20
HASHED_BYTES = 1 << 17
"""Size of a block that is read, hashed and counted at once: it stays in the processor's cache."""
MAX_BYTES = 5 * 1024**3
"""Largest file of a commit: S3 takes it in one request, and only such a request's SHA-256 is that of the content."""

Progress = Callable[[int, int, str], None]
"""Callback with bytes done, bytes in all (0 while they are unknown), and the name of the work."""


class FileTooLargeError(InvalidCommitError):
    """A file is larger than S3 takes in one request."""


class ChangedFileError(InvalidCommitError):
    """A file's bytes changed while they were committed."""


class Source(Protocol):
    """One file to commit, on this machine or in S3."""

    @property
    def size_bytes(self) -> int:
        """Size without reading the file; 0 if it is unknown."""
        ...

    def describe(self, path: str) -> File:
        """Return the file under its logical name ``path``: digest, size, rows and columns.

        Raises
        ------
        InvalidCommitError
            It cannot be read, or is too large.
        """
        ...

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        """Write the content to ``key`` with a SHA-256 that S3 verifies, if there is no object; return its VersionId.

        Raises
        ------
        ExistsError
            There is an object already.
        ChangedFileError
            The content is no longer that of ``file``.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class FileDescription:
    """A described file; ``problem`` says why it is not the table that its name says, or is None."""

    file: File
    problem: str | None


def describe_blocks(path: str, blocks: Iterable[bytes]) -> FileDescription:
    """Hash a content, and count its bytes and rows, in one pass."""
    digest = hashlib.sha256()
    size_bytes = 0

    def passing() -> Iterator[bytes]:
        nonlocal size_bytes
        for block in blocks:
            digest.update(block)
            size_bytes += len(block)
            yield block

    stream = passing()
    # A reader that gives up cannot close a chain: the rest is still hashed.
    note = annotate(path, chain(stream))
    for _ in stream:
        pass
    return _described(path, digest.hexdigest(), size_bytes, note)


def _described(path: str, sha256: str, size_bytes: int, note: Annotation) -> FileDescription:
    file = File(path=path, sha256=sha256, size_bytes=size_bytes, rows=note.rows, columns=note.columns)
    return FileDescription(file=file, problem=note.problem)


@dataclass(frozen=True)
class LocalSource:
    """A file of this machine."""

    place: Path

    @property
    def size_bytes(self) -> int:
        try:
            return self.place.stat().st_size
        except OSError:
            return 0

    def describe(self, path: str) -> File:
        try:
            with self.place.open("rb", buffering=0) as content:
                size_bytes = os.fstat(content.fileno()).st_size
                if size_bytes > MAX_BYTES:
                    raise FileTooLargeError(
                        f"{path}: {size_bytes:,} bytes; a file of a commit has at most {MAX_BYTES:,}: split it"
                    )
                # One byte more than a small file has: its end shows without the memory of a whole block.
                file = describe_blocks(path, read_blocks(content, min(size_bytes + 1, HASHED_BYTES))).file
        except OSError as error:
            raise InvalidCommitError(f"{path}: cannot be read: {error}") from error
        if path.endswith(".parquet"):
            return _with_parquet_notes(file, self.place)
        return file

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        try:
            with self.place.open("rb") as body:
                if self.place.stat().st_size != file.size_bytes:
                    raise ChangedFileError(f"{file.path}: changed while it was committed; commit again")
                # S3 refuses a file that changed since it was hashed, or was damaged in transit.
                return bucket.write_once(key, body, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum(file.sha256))
        except ExistsError:
            raise
        except OSError as error:
            raise InvalidCommitError(f"{file.path}: cannot be read: {error}") from error
        except (ClientError, BotoCoreError) as error:
            if self.describe(file.path).sha256 != file.sha256:
                raise ChangedFileError(f"{file.path}: changed while it was committed; commit again") from error
            raise


def read_blocks(content: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    """Yield the rest of an open file."""
    while block := content.read(size_bytes):
        yield block


def _with_parquet_notes(file: File, place: Path) -> File:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - large, and not in a Lambda
    except ImportError:
        return file
    try:
        found = parquet.ParquetFile(place)
    except (ArrowException, OSError):
        return file
    return File(
        path=file.path,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        rows=found.metadata.num_rows,
        columns=tuple(found.schema_arrow.names),
    )
