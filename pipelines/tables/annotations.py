"""Notes on a file's content, made while its bytes stream by: how many rows, and which columns.

Standard library only, and memory for a few blocks: it runs in a Lambda too. A regular CSV block is counted at memory
speed; the first block with blank lines, lone carriage returns or quotes inside bare fields sends the rest through the
``csv`` module, so that the count is always the one that a CSV reader would give.
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
"""A record longer than this is taken for something else than CSV."""
INFLATED_BYTES = 1 << 20
_QUOTE_IN_BARE_FIELD = re.compile(rb'[^,\r\n"]"')
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """``problem`` says why the file is not what its name says; then the others are None."""

    rows: int | None = None
    columns: tuple[str, ...] | None = None
    problem: str | None = None


class _UnreadableError(ValueError):
    pass


def annotate(path: str, blocks: Iterator[bytes]) -> Annotation:
    """The note on the file named ``path``, from its bytes; a name that ends otherwise gets an empty note."""
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
        found = _look(pending)
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
    """The same without a byte-order mark at the beginning."""
    start = b""
    for block in blocks:
        start += block
        if len(start) >= len(_BOM):
            break
    yield start.removeprefix(_BOM)
    yield from blocks


class _Look(NamedTuple):
    """``end``: the index after the last line end outside quotes, 0 if there is none; ``records`` end before it."""

    end: int
    records: int


def _look(block: bytes) -> _Look | None:
    """The whole records at the beginning of ``block``; None if they are not regular."""
    if b"\r" in block and (block.count(b"\r", 0, -1) != block.count(b"\r\n") or b"\n\r\n" in block):
        return None
    if b'"' not in block:
        records = _records(block)
        return None if records is None else _Look(block.rfind(b"\n") + 1, records)
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
            return _Look(found + 1, records)
        end = start - 1
    return _Look(0, 0)


def _records(bare: bytes) -> int | None:
    """How many lines end in a block without quoted parts; None if one is blank."""
    # Quicker than to count line ends, and then to search for two in a row.
    lines = bare.split(b"\n")
    last = lines.pop()
    return None if b"" in lines or b"\r" in lines[:1] or last == b"\r" else len(lines)


def _opens_fields_only(pieces: list[bytes]) -> bool:
    """Whether each quote that opens a quoted part stands where a field begins; ``pieces`` lie between the quotes."""
    before = pieces[0:-1:2]
    try:
        ends = bytes(map(itemgetter(-1), before if before[0] else before[1:]))
    except IndexError:
        # Nothing lies between two quotes: one that is doubled within a field.
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
    """Ten thousand files with the same header share one tuple."""
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
    """The unpacked bytes of a gzip file of one or more members, a block at a time however much it unpacks to."""
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
