"""Count a file's rows, and read its columns, while its bytes are streamed.

It uses the standard library only, and memory for a few blocks, since it runs in a Lambda too. A regular CSV block is
counted at memory speed. From the first block on that has blank lines, lone carriage returns or quotes inside unquoted
fields, the ``csv`` module counts the rest: the number is always the one that a CSV reader would give.
"""

import csv
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

MAX_RECORD_BYTES = 16 << 20
"""Largest record: a file with a longer one is taken for something else than CSV."""
INFLATED_BYTES = 1 << 20
"""Size of a block of unpacked bytes."""
_QUOTE_IN_BARE_FIELD = re.compile(rb'[^,\r\n"]"')
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Rows and columns of a file. ``problem`` says why it is not what its name says; then the others are None."""

    rows: int | None = None
    columns: tuple[str, ...] | None = None
    problem: str | None = None


class _UnreadableError(ValueError):
    pass


def annotate(path: str, blocks: Iterator[bytes]) -> Annotation:
    """Return the annotation of the file named ``path``; it is empty unless the name ends in .csv or .csv.gz."""
    try:
        if path.endswith(".csv"):
            return _count(_without_mark(blocks))
        if path.endswith(".csv.gz"):
            return _count(_without_mark(_inflate(blocks)))
    except UnicodeDecodeError as error:
        return Annotation(problem=f"not UTF-8: {error.reason}")
    except (_UnreadableError, csv.Error) as error:
        return Annotation(problem=str(error))
    return Annotation()


def _count(blocks: Iterator[bytes]) -> Annotation:
    rows = 0
    columns: tuple[str, ...] | None = None
    pending = b""
    for block in blocks:
        pending = pending + block if pending else block
        found = _whole_records(pending)
        if found is None:
            return _count_exactly(chain([pending], blocks), rows, columns)
        if not found.end:
            _check_length(pending)
            continue
        if columns is None:
            columns = _first_record(pending[: found.end])
            rows -= 1
        rows += found.records
        # Line ends are single bytes in UTF-8: no character is cut in two.
        _check_encoding(pending[: found.end])
        pending = pending[found.end :]
    if pending or columns is None:
        return _count_exactly(iter([pending]), rows, columns)
    return Annotation(rows=rows, columns=columns)


def _without_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks without a byte-order mark at the beginning."""
    start = b""
    for block in blocks:
        start += block
        if len(start) >= len(_BOM):
            break
    yield start.removeprefix(_BOM)
    yield from blocks


class _WholeRecords(NamedTuple):
    """Whole records of a block. ``end`` is the index after the last line end outside quotes, or 0."""

    end: int
    records: int


def _whole_records(block: bytes) -> _WholeRecords | None:
    """Return the whole records at the beginning of ``block``; None if they are not regular."""
    if b"\r" in block and (block.count(b"\r", 0, -1) != block.count(b"\r\n") or b"\n\r\n" in block):
        return None
    if b'"' not in block:
        records = _records(block)
        return None if records is None else _WholeRecords(block.rfind(b"\n") + 1, records)
    pieces = block.split(b'"')
    if not _opens_fields_only(pieces):
        return None
    records = _records(b'"'.join(pieces[0::2]))
    if records is None:
        return None
    end = len(block)
    for number in range(len(pieces) - 1, -1, -1):
        start = end - len(pieces[number])
        if number % 2 == 0 and (found := block.rfind(b"\n", start, end)) >= 0:
            return _WholeRecords(found + 1, records)
        end = start - 1
    return _WholeRecords(0, 0)


def _records(bare: bytes) -> int | None:
    """Return the number of lines that end in a block without quoted parts; None if one is blank."""
    # This is faster than counting line ends and then searching for two in a row.
    lines = bare.split(b"\n")
    last = lines.pop()
    return None if b"" in lines or b"\r" in lines[:1] or last == b"\r" else len(lines)


def _opens_fields_only(pieces: list[bytes]) -> bool:
    """Return whether each opening quote is at the beginning of a field; ``pieces`` are the parts between quotes."""
    before = pieces[0:-1:2]
    try:
        ends = bytes(map(itemgetter(-1), before if before[0] else before[1:]))
    except IndexError:
        # Two quotes are adjacent: a doubled one within a field.
        return not _QUOTE_IN_BARE_FIELD.search(b'"'.join([*before, b""]))
    return not ends.translate(None, b",\r\n")


def _check_encoding(block: bytes) -> None:
    if not block.isascii():
        block.decode()


def _first_record(block: bytes) -> tuple[str, ...]:
    line = block[: block.index(b"\n") + 1]
    if b'"' not in line:
        return _columns(line.decode())
    return tuple(next(csv.reader(io.StringIO(block.decode(), newline=""))))


@lru_cache(maxsize=64)
def _columns(line: str) -> tuple[str, ...]:
    """Return a header's columns; ten thousand files with the same header share one tuple."""
    return tuple(next(csv.reader([line])))


def _count_exactly(blocks: Iterator[bytes], rows: int, columns: tuple[str, ...] | None) -> Annotation:
    for row in csv.reader(_lines(blocks)):
        if not row:
            continue
        if columns is None:
            columns = tuple(row)
        else:
            rows += 1
    return Annotation(rows=rows, columns=columns or ())


def _lines(blocks: Iterator[bytes]) -> Iterator[str]:
    pending = b""
    for block in blocks:
        pending += block
        # A carriage return at the very end may be half of a line end.
        end = max(pending.rfind(b"\n"), pending.rfind(b"\r", 0, -1)) + 1
        if not end:
            _check_length(pending)
        yield from io.StringIO(pending[:end].decode(), newline="")
        pending = pending[end:]
    yield from io.StringIO(pending.decode(), newline="")


def _check_length(pending: bytes) -> None:
    if len(pending) > MAX_RECORD_BYTES:
        raise _UnreadableError(f"not CSV: a record is longer than {MAX_RECORD_BYTES:,} bytes")


def _inflate(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the unpacked bytes of a gzip file of one or more members, in blocks of limited size."""
    unpacker = None
    for block in blocks:
        data = block
        while data:
            if unpacker is None:
                # Zeros may pad a member's end.
                data = data.lstrip(b"\0")
                if not data:
                    break
                unpacker = zlib.decompressobj(wbits=31)
            try:
                unpacked = unpacker.decompress(data, INFLATED_BYTES)
            except zlib.error as error:
                raise _UnreadableError(f"damaged gzip file: {error}") from error
            if unpacked:
                yield unpacked
            data = unpacker.unconsumed_tail
            if unpacker.eof:
                data, unpacker = unpacker.unused_data, None
    if unpacker is not None:
        raise _UnreadableError("damaged gzip file: it ends before its end mark")
