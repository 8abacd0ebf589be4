"""Check that a landed file is what its name says, with the standard library alone.

A CSV passes if the jobs' reader (``pipelines.tables.reading``) would read it: its stream and its header are used here
too, and every row is as long as the header. Only the ends of a Parquet file are checked. A reason never holds a value
of a row.
"""

import csv
import io
import struct
from collections.abc import Callable, Iterator
from itertools import chain

from pipelines.datasets.commits.manifest import File
from pipelines.datasets.commits.sources import BLOCK_BYTES, describe_blocks
from pipelines.tables.header import read_header
from pipelines.tables.streams import CheckedStream, UnreadableFileError

SUFFIXES = (".csv", ".csv.gz", ".parquet")
MAGIC = b"PAR1"
ENCRYPTED_MAGIC = b"PARE"
TAIL_BYTES = 8
"""Size of a Parquet file's end: the length of the footer (4 bytes, little endian) and the magic number."""
SMALLEST_PARQUET = 12

Blocks = Iterator[bytes]


class UnreadableError(ValueError):
    """A file is not what its name says; the message is the reason, without values of rows."""


def read(path: str, open_blocks: Callable[[], Blocks], *, block_bytes: int = BLOCK_BYTES) -> File:
    """Describe the file named ``path``, whose rows are checked in blocks of ``block_bytes``.

    ``open_blocks`` returns the file's bytes from the beginning, and is called up to twice.

    Raises
    ------
    UnreadableError
        Another format than CSV, gzipped CSV or Parquet; another encoding than UTF-8; a damaged archive; no header; a
        row that is longer or shorter than the header.
    """
    if not path.endswith(SUFFIXES):
        raise UnreadableError(f"a dataset's files end in {', '.join(SUFFIXES)}")
    if path.endswith(".parquet"):
        return _read_parquet(path, open_blocks())
    described = describe_blocks(path, open_blocks())
    _check_rows(path, open_blocks(), block_bytes)
    if described.problem:
        raise UnreadableError(described.problem)
    return described.file


def _read_parquet(path: str, blocks: Blocks) -> File:
    head = tail = b""

    def passing() -> Blocks:
        nonlocal head, tail
        for block in blocks:
            if len(head) < len(MAGIC):
                head = (head + block)[: len(MAGIC)]
            tail = (tail + block[-TAIL_BYTES:])[-TAIL_BYTES:]
            yield block

    file = describe_blocks(path, passing()).file
    if ENCRYPTED_MAGIC in (head, tail[4:]):
        raise UnreadableError("an encrypted Parquet file: the jobs have no key for it")
    if file.size_bytes < SMALLEST_PARQUET or (head, tail[4:]) != (MAGIC, MAGIC):
        raise UnreadableError("not a whole Parquet file: PAR1 is not at both ends")
    (footer_bytes,) = struct.unpack("<I", tail[:4])
    if not 0 < footer_bytes <= file.size_bytes - SMALLEST_PARQUET:
        raise UnreadableError(f"not a Parquet file: a footer of {footer_bytes:,} bytes in {file.size_bytes:,}")
    return file


def _check_rows(path: str, blocks: Blocks, block_bytes: int) -> None:
    try:
        with CheckedStream(io.BufferedReader(_Stream(blocks)), path) as stream:
            width = len(read_header(stream, path))
            _check_lines(iter(lambda: stream.read(block_bytes), b""), width, block_bytes)
    except csv.Error as error:
        raise UnreadableError(f"not CSV: {error}") from error
    except UnreadableFileError as error:
        raise UnreadableError(str(error).removeprefix(f"{path}: ")) from error


def _check_lines(blocks: Blocks, width: int, block_bytes: int) -> None:
    """Check the width of every record, ten times as fast as the ``csv`` module while every line is a record."""
    pending, number = b"", 0
    for block in blocks:
        pending += block
        end = pending.rfind(b"\n") + 1
        whole = pending[:end]
        # Blank lines are no rows: the jobs' reader skips them too.
        lines = [line for line in whole.splitlines() if line]
        regular = (
            b'"' not in pending and whole.count(b"\r") == whole.count(b"\r\n") and len(pending) - end < block_bytes
        )
        if not regular or {line.count(b",") for line in lines} - {width - 1}:
            _check_records(chain([pending], blocks), width, number)
            return
        pending, number = pending[end:], number + len(lines)
    _check_records(iter([pending]), width, number)


def _check_records(blocks: Blocks, width: int, number: int) -> None:
    """Check the width of every record; ``number`` is the count of records before, the header among them."""
    text = io.TextIOWrapper(io.BufferedReader(_Stream(blocks)), encoding="utf-8", newline="")
    for row in filter(None, csv.reader(text, strict=True)):
        if len(row) != width:
            raise UnreadableError(f"row {number:,} has {len(row):,} fields, the header has {width:,}")
        number += 1


class _Stream(io.RawIOBase):
    """Stream of blocks, readable as a file."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
