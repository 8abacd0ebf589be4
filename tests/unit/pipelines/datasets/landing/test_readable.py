"""Readable landed files: the quick check of CSV agrees with the csv module, however the bytes are cut into blocks."""

import csv
import gzip
import io
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.commits.sources import BLOCK_BYTES
from pipelines.datasets.landing.readable import UnreadableError, read
from pipelines.tables import MAX_FIELD_CHARACTERS

TEXT = st.text(alphabet='ab,"\r\n', max_size=40)
CELLS = st.text(alphabet='ab1 ,;"\r\nä', max_size=6)
SIZES = st.integers(min_value=1, max_value=9)


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def reason(name: str, content: bytes, size: int = 1 << 20, *, block_bytes: int = BLOCK_BYTES) -> str | None:
    try:
        read(name, lambda: cut(content, size), block_bytes=block_bytes)
    except UnreadableError as error:
        return str(error)
    return None


def expected(text: str) -> bool:
    """Return whether the csv module reads a body below the header h,i, and its quotation marks are even in number."""
    try:
        rows = [row for row in csv.reader(io.StringIO(f"h,i\n{text}", newline=""), strict=True) if row]
    except csv.Error:
        return False
    return text.count('"') % 2 == 0 and all(len(row) == 2 for row in rows)


@given(text=TEXT, size=SIZES)
def test_agrees_with_the_csv_module(text: str, size: int) -> None:
    assert (reason("a.csv", f"h,i\n{text}".encode(), size) is None) == expected(text)


@given(text=TEXT, size=SIZES)
def test_agrees_with_the_csv_module_on_blocks_of_a_few_bytes(text: str, size: int) -> None:
    assert (reason("a.csv", f"h,i\n{text}".encode(), block_bytes=size) is None) == expected(text)


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8), size=SIZES, packed=st.booleans())
def test_reads_every_written_table(rows: list[tuple[str, str]], size: int, packed: bool) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("h", "i"), *rows])
    content = text.getvalue().encode()
    name = "a.csv.gz" if packed else "a.csv"
    file = read(name, lambda: cut(gzip.compress(content) if packed else content, size))
    assert (file.rows, file.columns) == (len(rows), ("h", "i"))


@given(rows=st.integers(min_value=1, max_value=30), kept=st.integers(min_value=0))
def test_refuses_an_archive_that_is_cut_anywhere(rows: int, kept: int) -> None:
    whole = gzip.compress(b"h,i\n" + b"1,2\n" * rows)
    assert reason("a.csv.gz", whole) is None
    assert reason("a.csv.gz", whole[: kept % len(whole)]) is not None


def test_reason_counts_rows_across_blocks() -> None:
    content = b"h,i\n" + b"1,2\n" * 1000 + b"\n" + b"1\n"
    assert reason("a.csv", content, 7) == "row 1,001 has 1 fields, the header has 2"
    quoted = b"h,i\n" + b'"1",2\n' * 1000 + b"1\n"
    assert reason("a.csv", quoted, 7) == "row 1,001 has 1 fields, the header has 2"


def test_reason_holds_no_value() -> None:
    for content in (b"h,i\nsecret\n", b'h,i\n1,"secret\n', b"h,i\nsecret,\xff\n", b'h,i\n"secret"secret,1\n'):
        found = reason("a.csv", content)
        assert found
        assert "secret" not in found


def test_endless_line_is_refused_at_the_field_limit() -> None:
    found = reason("a.csv", b"h,i\n" + b"x" * (MAX_FIELD_CHARACTERS + (3 << 20)))
    assert found == f"not CSV: field larger than field limit ({MAX_FIELD_CHARACTERS})"
