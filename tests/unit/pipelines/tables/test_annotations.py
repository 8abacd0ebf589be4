"""Rows and columns are those that the csv module finds, however the bytes are cut into blocks."""

import csv
import gzip
import hashlib
import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.datasets.commits.sources import LocalSource, describe_blocks
from pipelines.tables.annotations import MAX_RECORD_BYTES

texts = st.text(st.sampled_from('a1,"\n\r é'), max_size=40)
cells = st.text(st.sampled_from('ab1,"\n é'), max_size=4)
tables = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8)


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def counted(text: str) -> tuple[int, tuple[str, ...]]:
    records = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return max(0, len(records) - 1), tuple(records[0]) if records else ()


@given(texts, st.integers(1, 7))
@example('x\n1\na",b\n2\n', 3)
@example('x\n"a\nb"\n', 2)
@example("x\r\n1\r\n\r\n2\r\n", 1)
@example('"a""b",c\n""\n', 4)
def test_counts_any_text_as_the_csv_module_does(text: str, size: int) -> None:
    found = describe_blocks("t.csv", cut(text.encode(), size))
    assert found.problem is None
    assert (found.file.rows, found.file.columns) == counted(text)


@given(tables, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 30))
def test_counts_all_rows_of_a_written_table(rows: list[list[str]], end: str, quote: bool, size: int) -> None:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=end, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL)
    writer.writerows([["x", "y", "z"], *rows])
    content = sink.getvalue().encode()
    for name, data in (("t.csv", content), ("t.csv.gz", gzip.compress(content))):
        found = describe_blocks(name, cut(data, size))
        assert (found.file.rows, found.file.columns, found.problem) == (len(rows), ("x", "y", "z"), None)


@given(st.binary(max_size=200), st.integers(1, 50), st.sampled_from(["t.csv", "t.csv.gz", "t.bin"]))
def test_digest_and_size_are_those_of_all_bytes(content: bytes, size: int, name: str) -> None:
    file = describe_blocks(name, cut(content, size)).file
    assert (file.sha256, file.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.csv", "x\né\n".encode("latin-1"), "not UTF-8"),
        ("t.csv.gz", b"x\n1\n", "damaged gzip"),
        ("t.csv.gz", gzip.compress(b"x\n1\n" * 99)[:-9], "ends before its end mark"),
        ("t.csv", b'x\n"' + b"1" * (MAX_RECORD_BYTES + 1), "record is longer"),
    ],
)
def test_reports_the_problem_of_a_file_that_is_no_table(name: str, content: bytes, problem: str) -> None:
    found = describe_blocks(name, cut(content, 1 << 20))
    assert problem in (found.problem or "")
    assert (found.file.rows, found.file.columns) == (None, None)
    assert found.file.sha256 == hashlib.sha256(content).hexdigest()


def test_reads_several_gzip_members_and_a_byte_order_mark() -> None:
    content = gzip.compress(b'\xef\xbb\xbf"x",y\n1,2\n') + gzip.compress(b"3,4\n") + b"\0" * 5
    file = describe_blocks("t.csv.gz", cut(content, 6)).file
    assert (file.rows, file.columns) == (2, ("x", "y"))


def test_counts_a_small_archive_of_many_rows_in_little_memory() -> None:
    packed = gzip.compress(b"x\n" + b"1\n" * 20_000_000, compresslevel=9)
    assert describe_blocks("t.csv.gz", [packed]).file.rows == 20_000_000


def test_rows_and_columns_of_parquet_are_those_of_its_footer() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        pd.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "c"]}).to_parquet(path)
        file = LocalSource(path).describe("t.parquet")
        assert (file.rows, file.columns) == (3, ("x", "y"))
        path.write_bytes(path.read_bytes()[:-3])
        assert LocalSource(path).describe("t.parquet").rows is None
