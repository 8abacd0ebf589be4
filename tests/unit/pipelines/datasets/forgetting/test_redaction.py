"""Laws of removing rows from files, for any content."""

import csv
import gzip
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.forgetting.redaction import redact
from pipelines.tables.streams import UnreadableFileError

VALUE = "secret"
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
fields = st.one_of(texts, st.just(VALUE), st.sampled_from(["", "a,b", 'say "x"', "two\nlines", " secret", "secretive"]))
tables = st.lists(st.tuples(fields, fields), max_size=12)
endings = st.sampled_from(["\n", "\r\n"])


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def record(row: tuple[str, ...], ending: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=ending).writerow(row)
    return text.getvalue().encode()


def redacted(content: bytes, name: str, where: dict[str, str]) -> tuple[int, bytes | None]:
    with folder() as place:
        (place / "in").write_bytes(content)
        removed = redact(place / "in", name, where, place / "out")
        return removed, (place / "out").read_bytes() if removed else None


@given(tables, endings)
def test_other_records_of_a_csv_stay_the_same_bytes(rows: list[tuple[str, str]], ending: str) -> None:
    header = record(("id", "note"), ending)
    content = header + b"".join(record(row, ending) for row in rows)
    kept = header + b"".join(record(row, ending) for row in rows if row[0] != VALUE)
    removed, left = redacted(content, "a.csv", {"id": VALUE})
    assert removed == sum(row[0] == VALUE for row in rows)
    assert left == (kept if removed else None)
    packed, left_packed = redacted(gzip.compress(content), "a.csv.gz", {"id": VALUE})
    assert packed == removed
    assert left_packed is None or gzip.decompress(left_packed) == kept
    assert redacted(gzip.compress(content), "a.csv.gz", {"id": VALUE}) == (packed, left_packed)


@given(tables, st.integers(1, 5), st.booleans())
def test_other_rows_of_a_parquet_stay(rows: list[tuple[str, str]], group: int, encoded: bool) -> None:
    columns = {"id": [row[0] for row in rows], "note": [row[1] for row in rows], "at": list(range(len(rows)))}
    table = pa.table(
        {name: pa.array(values, pa.int64() if name == "at" else pa.string()) for name, values in columns.items()}
    )
    if encoded:
        table = table.set_column(0, "id", table.column("id").dictionary_encode())
    content = io.BytesIO()
    pq.write_table(table, content, row_group_size=group)
    removed, left = redacted(content.getvalue(), "a.parquet", {"id": VALUE})
    assert removed == sum(row[0] == VALUE for row in rows)
    if left is not None:
        found = pq.read_table(io.BytesIO(left))
        assert found.schema.equals(table.schema)
        expected = [row for row in table.to_pylist() if row["id"] != VALUE]
        assert found.to_pylist() == expected
        # Only the other columns' own values may still have it, and so their dictionaries and statistics.
        assert VALUE.encode() in left or not any(VALUE in row["note"] for row in expected)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pa.array([1, 2, None]), "2"),
        (pa.array([0.5, 2.5, None]), "2.5"),
        (pa.array([True, False, None]), "false"),
        (pa.array([date(2013, 1, 1), date(2013, 1, 2), None]), "2013-01-02"),
        (pa.array(["a", "b", None]), "b"),
    ],
)
def test_parquet_values_are_compared_as_the_columns_type(values: pa.Array, wanted: str) -> None:
    content = io.BytesIO()
    pq.write_table(pa.table({"x": values}), content)
    removed, left = redacted(content.getvalue(), "a.parquet", {"x": wanted})
    assert removed == 1
    assert left is not None
    assert pq.read_table(io.BytesIO(left)).column("x").to_pylist() == [values[0].as_py(), None]
    assert redacted(content.getvalue(), "a.parquet", {"y": wanted}) == (0, None)


def test_text_matches_no_number_and_other_types_are_refused() -> None:
    content = io.BytesIO()
    pq.write_table(pa.table({"n": [1], "t": [datetime(2013, 1, 1)], "l": [[1]]}), content)
    assert redacted(content.getvalue(), "a.parquet", {"n": "N14228"}) == (0, None)
    for column in ("t", "l"):
        with pytest.raises(UnreadableFileError, match=f"column {column}") as refused:
            redacted(content.getvalue(), "a.parquet", {column: VALUE})
        assert VALUE not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"id\n\xff\xfe\n", "UTF-8"),
        ("a.csv", b"id;note\nx;y\n", "commas"),
        ("a.csv", b"id\rx\ry\r", "CSV"),
        ("a.csv.gz", gzip.compress(b"id\nx\n")[:-3], "gzip"),
        ("a.csv.gz", b"id\nx\n", "gzip"),
        ("a.parquet", b"PAR1 nothing", "Parquet"),
        ("a.txt", b"id\nx\n", ".csv.gz"),
    ],
)
def test_refuses_an_unreadable_file(name: str, content: bytes, problem: str) -> None:
    with pytest.raises(UnreadableFileError, match=problem):
        redacted(content, name, {"id": VALUE})


def test_finds_rows_below_a_byte_order_mark_and_in_columns_of_the_same_name() -> None:
    assert redacted(b"\xef\xbb\xbfid\nsecret\nx\n", "a.csv", {"id": VALUE}) == (1, b"\xef\xbb\xbfid\nx\n")
    assert redacted(b"id,id\nx,secret\nsecret,x\nx,y\n", "a.csv", {"id": VALUE}) == (2, b"id,id\nx,y\n")
    assert redacted(b"id,note\nx\nsecret\n", "a.csv", {"note": VALUE}) == (0, None)
