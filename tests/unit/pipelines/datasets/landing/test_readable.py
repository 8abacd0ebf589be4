"""Which files may land: the quick look at CSV agrees with the csv module, wherever the blocks are cut."""

import csv
import gzip
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.landing import readable
from pipelines.datasets.landing.readable import UnreadableError, read
from pipelines.tables import MAX_FIELD_CHARACTERS

TEXT = st.text(alphabet='ab,"\r\n', max_size=40)
CELLS = st.text(alphabet='ab1 ,;"\r\nä', max_size=6)
SIZES = st.integers(min_value=1, max_value=9)


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def reason(name: str, content: bytes, size: int = 1 << 20) -> str | None:
    try:
        read(name, lambda: cut(content, size))
    except UnreadableError as error:
        return str(error)
    return None


def expected(text: str) -> bool:
    """What the csv module says of a body below the header h,i; an odd quotation mark is refused before it is asked."""
    try:
        rows = [row for row in csv.reader(io.StringIO(f"h,i\n{text}", newline=""), strict=True) if row]
    except csv.Error:
        return False
    return text.count('"') % 2 == 0 and all(len(row) == 2 for row in rows)


@given(text=TEXT, size=SIZES)
def test_agrees_with_the_csv_module(text: str, size: int) -> None:
    assert (reason("a.csv", f"h,i\n{text}".encode(), size) is None) == expected(text)


@given(text=TEXT, size=SIZES)
def test_agrees_with_the_csv_module_on_small_pieces(text: str, size: int) -> None:
    """The quick look takes its pieces as the stream gives them; here they are of a few bytes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readable, "BLOCK_BYTES", size)
        assert (reason("a.csv", f"h,i\n{text}".encode()) is None) == expected(text)


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8), size=SIZES, packed=st.booleans())
def test_table_that_was_written_is_readable(rows: list[tuple[str, str]], size: int, packed: bool) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("h", "i"), *rows])
    content = text.getvalue().encode()
    name = "a.csv.gz" if packed else "a.csv"
    file = read(name, lambda: cut(gzip.compress(content) if packed else content, size))
    assert (file.rows, file.columns) == (len(rows), ("h", "i"))


@given(rows=st.integers(min_value=1, max_value=30), kept=st.integers(min_value=0))
def test_archive_that_is_cut_anywhere_is_not_readable(rows: int, kept: int) -> None:
    whole = gzip.compress(b"h,i\n" + b"1,2\n" * rows)
    assert reason("a.csv.gz", whole) is None
    assert reason("a.csv.gz", whole[: kept % len(whole)]) is not None


def test_row_is_counted_across_blocks() -> None:
    content = b"h,i\n" + b"1,2\n" * 1000 + b"\n" + b"1\n"
    assert reason("a.csv", content, 7) == "row 1,001 has 1 fields, the header has 2"
    quoted = b"h,i\n" + b'"1",2\n' * 1000 + b"1\n"
    assert reason("a.csv", quoted, 7) == "row 1,001 has 1 fields, the header has 2"


def test_reason_holds_no_value() -> None:
    for content in (b"h,i\nsecret\n", b'h,i\n1,"secret\n', b"h,i\nsecret,\xff\n", b'h,i\n"secret"secret,1\n'):
        found = reason("a.csv", content)
        assert found
        assert "secret" not in found


def test_endless_line_is_not_gathered() -> None:
    found = reason("a.csv", b"h,i\n" + b"x" * (MAX_FIELD_CHARACTERS + (3 << 20)))
    assert found == f"not CSV: field larger than field limit ({MAX_FIELD_CHARACTERS})"
