"""Where a commit's bytes come from: a source describes a file, and stores it under its digest."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from pipelines.data.annotations import Annotation, annotate
from pipelines.data.manifest import File, InvalidCommitError, check_paths
from pipelines.data.parallel import WORKERS, each_quickly
from pipelines.storage import Bucket, ExistsError, checksum

BLOCK_BYTES = 1 << 20
HASHED_BYTES = 1 << 17
"""What is read and looked at together: it stays in the processor's cache."""
MAX_BYTES = 5 * 1024**3
"""What S3 takes in one request; only such a request's SHA-256 is the one of the whole content."""

Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in all (0 while they are not known), and what is being done."""


class FileTooLargeError(InvalidCommitError):
    """A file is larger than S3 takes in one request."""


class ChangedFileError(InvalidCommitError):
    """A file's bytes changed while they were committed."""


class Source(Protocol):
    """One file to commit, wherever it lies."""

    def describe(self, path: str) -> File:
        """The file under its logical name ``path``: digest, size, rows and columns.

        Raises
        ------
        InvalidCommitError
            It cannot be read, or is too large.
        """
        ...

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        """Write the content to ``key`` with a SHA-256 that S3 verifies, if nothing is there; gives its VersionId.

        Raises
        ------
        ExistsError
            There is an object already.
        ChangedFileError
            The content is no longer that of ``file``.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Described:
    """``problem`` says why a table cannot be read as what its name says, or is None."""

    file: File
    problem: str | None


def describe_blocks(path: str, blocks: Iterable[bytes]) -> Described:
    """Hash, measure and annotate a content in one pass."""
    digest = hashlib.sha256()
    size_bytes = 0

    def passing() -> Iterator[bytes]:
        nonlocal size_bytes
        for block in blocks:
            digest.update(block)
            size_bytes += len(block)
            yield block

    stream = passing()
    # A chain cannot be closed by a reader that gives up: the rest is still hashed.
    note = annotate(path, chain(stream))
    for _ in stream:
        pass
    return _described(path, digest.hexdigest(), size_bytes, note)


def _described(path: str, sha256: str, size_bytes: int, note: Annotation) -> Described:
    file = File(path=path, sha256=sha256, size_bytes=size_bytes, rows=note.rows, columns=note.columns)
    return Described(file=file, problem=note.problem)


@dataclass(frozen=True)
class LocalSource:
    """A file of this machine."""

    place: Path

    def describe(self, path: str) -> File:
        try:
            size_bytes = self.place.stat().st_size
            if size_bytes > MAX_BYTES:
                raise FileTooLargeError(
                    f"{path}: {size_bytes:,} bytes; a file of a commit has at most {MAX_BYTES:,}: split it"
                )
            file = describe_blocks(path, _blocks(self.place, size_bytes)).file
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
                # S3 compares: a file that changed since it was hashed, or was damaged on its way, is refused.
                return bucket.write_once(key, body, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum(file.sha256))
        except ExistsError:
            raise
        except OSError as error:
            raise InvalidCommitError(f"{file.path}: cannot be read: {error}") from error
        except (ClientError, BotoCoreError) as error:
            if self.describe(file.path).sha256 != file.sha256:
                raise ChangedFileError(f"{file.path}: changed while it was committed; commit again") from error
            raise


def describe(
    sources: Mapping[str, Source],
    *,
    take: Callable[[str, Source], File] = lambda path, source: source.describe(path),
    workers: int = WORKERS,
    on_progress: Progress | None = None,
) -> list[File]:
    """All files by their logical names; ``take`` describes one, and may do more with it.

    Raises
    ------
    InvalidCommitError
        A wrong logical name, or a file that cannot be read.
    """
    check_paths(sources)
    total = _size_bytes(sources.values()) if on_progress else 0
    files: list[File] = []
    done = 0
    for file in each_quickly(lambda entry: take(*entry), list(sources.items()), workers=workers):
        files.append(file)
        done += file.size_bytes
        if on_progress:
            on_progress(done, total, "Hashing and storing")
    return files


def _size_bytes(sources: Iterable[Source]) -> int:
    """Of local files; 0 if there are others, or one is gone: that is complained of when it is read."""
    total = 0
    with suppress(OSError):
        for source in sources:
            if not isinstance(source, LocalSource):
                return 0
            total += source.place.stat().st_size
        return total
    return 0


def _blocks(place: Path, size_bytes: int) -> Iterator[bytes]:
    with place.open("rb", buffering=0) as file:
        # One byte more than a small file has: its end is seen without a block's worth of memory.
        while block := file.read(min(size_bytes + 1, HASHED_BYTES)):
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
