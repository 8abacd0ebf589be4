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
            return _count(blocks)
        if path.endswith(".csv.gz"):
            return _count(_inflate(blocks))
    except UnicodeDecodeError as error:
        return Annotation(problem=f"not UTF-8: {error.reason}")
    except (_UnreadableError, csv.Error) as error:
        return Annotation(problem=str(error))
    return Annotation()


def _count(blocks: Iterator[bytes]) -> Annotation:
    rows = 0
    columns: tuple[str, ...] | None = None
    for block in _records(blocks):
        if isinstance(block, _Irregular):
            return _count_exactly(block.blocks, rows, columns)
        text = block.decode()
        rows += _newlines_outside_quotes(block)
        if columns is None:
            columns = _columns(text[: text.index("\n") + 1]) if '"' not in text else _first_record(text)
            rows -= 1
    return Annotation(rows=rows, columns=columns or ())


@dataclass(frozen=True, kw_only=True)
class _Irregular:
    blocks: Iterator[bytes]


def _records(blocks: Iterator[bytes]) -> Iterator[bytes | _Irregular]:
    """Blocks of whole records that end with a line end; last, if they become irregular, all that is left."""
    pending = b""
    first = True
    for block in blocks:
        pending += block
        if first:
            pending, first = pending.removeprefix(_BOM), False
        end = _last_record_end(pending)
        if not end:
            _check_length(pending)
            continue
        whole = pending[:end]
        if not _is_regular(whole):
            yield _Irregular(blocks=chain([pending], blocks))
            return
        pending = pending[end:]
        yield whole
    if pending:
        whole = pending if pending.endswith(b"\n") else pending + b"\n"
        yield whole if _is_regular(whole) and _last_record_end(whole) else _Irregular(blocks=iter([pending]))


def _last_record_end(block: bytes) -> int:
    """The index after the last line end outside quotes; 0 if there is none."""
    if b'"' not in block:
        return block.rfind(b"\n") + 1
    pieces = block.split(b'"')
    end = len(block)
    for number in range(len(pieces) - 1, -1, -1):
        start = end - len(pieces[number])
        if number % 2 == 0 and (found := block.rfind(b"\n", start, end)) >= 0:
            return found + 1
        end = start - 1
    return 0


def _is_regular(block: bytes) -> bool:
    if block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block:
        return False
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return False
    return b'"' not in block or not _QUOTE_IN_BARE_FIELD.search(b'"'.join(block.split(b'"')[0::2]))


def _newlines_outside_quotes(block: bytes) -> int:
    return block.count(b"\n") if b'"' not in block else b"".join(block.split(b'"')[0::2]).count(b"\n")


def _first_record(text: str) -> tuple[str, ...]:
    return tuple(next(csv.reader(io.StringIO(text, newline=""))))


@lru_cache(maxsize=64)
def _columns(line: str) -> tuple[str, ...]:
    """Ten thousand files with the same header share one tuple."""
    return _first_record(line)


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
                unpacker = zlib.decompressobj(wbits=31)
            try:
                unpacked = unpacker.decompress(data, INFLATED_BYTES)
            except zlib.error as error:
                raise _UnreadableError(f"damaged gzip file: {error}") from error
            if unpacked:
                yield unpacked
            data = unpacker.unconsumed_tail
            if unpacker.eof:
                # Zeros may pad a member's end.
                data, unpacker = unpacker.unused_data.lstrip(b"\0"), None
    if unpacker is not None:
        raise _UnreadableError("damaged gzip file: it ends before its end mark")
