"""Reading files of CSV and Parquet: their rows, and errors that name the problem instead of guessing."""

import datetime
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tables.reading import UnreadableFileError, read_chunks, read_columns, read_table

SECRET = "Ada"


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "object"
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last", [True, False])
def test_csv_is_read_as_text(tmp_path: Path, name: str, ending: bytes, last: bool) -> None:
    lines = [b"a,b c", b'NA,"x,""y"""', b"nan,", b'"",0012', b'"=1+1",<b>']
    path = write(tmp_path, name, ending.join(lines) + (ending if last else b""))
    table = read_table(path, name)
    assert list(table.columns) == ["a", "b c"] == read_columns(path, name)
    assert table.to_dict("list") == {"a": ["NA", "nan", None, "=1+1"], "b c": ['x,"y"', None, "0012", "<b>"]}


def test_a_line_break_in_quotes_is_part_of_its_field(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a.csv", b'a,b\n1,"x\ny"\n'), "a.csv").b.tolist() == ["x\ny"]


@pytest.mark.parametrize("content", [b"a,b", b"a,b\n"])
def test_a_header_alone_is_an_empty_table(tmp_path: Path, content: bytes) -> None:
    table = read_table(write(tmp_path, "a.csv", content), "a.csv")
    assert list(table.columns) == ["a", "b"]
    assert len(table) == 0


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", "empty, without a header"),
        ("a.csv", b"\n\n", "empty, without a header"),
        ("a.csv", b"name\nAd\xe9\n", "line 2: not UTF-8 (invalid continuation byte); Latin-1 perhaps"),
        ("a.csv", b"\xef\xbb\xbfname\nAda\n", "UTF-8 with a byte-order mark"),
        ("a.csv", "name\nAda\n".encode("utf-16"), "UTF-16, not UTF-8"),
        ("a.csv", "name\nAda\n".encode("utf-16-le"), "line 1: a null byte; UTF-16 perhaps"),
        ("a.csv", b"PAR1xxxx", "Parquet, though its name says CSV"),
        ("a.csv", b"PK\x03\x04xxxx", "a zip archive"),
        ("a.csv", gzip.compress(b"a\n1\n"), "gzipped once more than its name says"),
        ("a.csv.gz", gzip.compress(b"a\n1\n"), "gzipped once more than its name says"),
        ("a.csv", b"name;age\nAda;3\n", "line 1: its fields are separated by semicolons, not by commas"),
        ("a.csv", b"name\tage\nAda\t3\n", "line 1: its fields are separated by tabs, not by commas"),
        ("a.csv", b"name,age\nAda,3\nAda\n", "record 3 (the header is record 1) has 1 fields, the header 2"),
        ("a.csv", b"name,age\nAda,3,4\n", "record 2 (the header is record 1) has 3 fields, the header 2"),
        ("a.csv", b'name,age\n"Ada,3\n', "an odd number of quotation marks"),
        ("a.csv", b"name,age,name\nAda,3,4\n", "columns 1 and 3 have the same name"),
        ("a.csv", b"name,,age\nAda,3,4\n", "column 2 has no name"),
        ("a.csv", b"n" * (2 << 20), "line 1: the header is longer than 1 MB"),
        ("a.xlsx", b"PK", "a dataset's files end in .csv, .csv.gz or .parquet"),
        ("a.parquet", b"name\nAda\n", "no Parquet file, or a truncated one"),
    ],
)
def test_names_the_problem_of_an_unreadable_file(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    with pytest.raises(UnreadableFileError) as raised:
        read_table(write(tmp_path, name, content), name)
    assert str(raised.value).startswith(f"{name}: ")
    assert problem in str(raised.value)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None, "a cause may quote the row"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda content: content[:-20], "it ends too early"),
        (lambda content: content[:-8] + b"\0" * 8, "its checksum or length is wrong"),
        (lambda content: content[:40] + b"\xff" * 20 + content[60:], "damaged"),
        (lambda content: content + b"more", "no gzip file"),
        (lambda _: b"name\nAda\n", "no gzip file"),
    ],
)
def test_names_the_problem_of_a_damaged_archive(tmp_path: Path, damage: Callable[[bytes], bytes], problem: str) -> None:
    rows = "".join(f"Ada,{number * 7919 % 1000}\n" for number in range(2000))
    (tmp_path / "object").write_bytes(damage(gzip.compress(f"name,age\n{rows}".encode())))
    with pytest.raises(UnreadableFileError, match=problem) as raised:
        read_table(tmp_path / "object", "a.csv.gz")
    assert str(raised.value).startswith("a.csv.gz: damaged gzip file")


def test_chunks_of_a_long_file_continue_the_row_numbers(tmp_path: Path) -> None:
    rows = [f"{number},{'x' * (number % 50)}y" for number in range(3000)]
    path = write(tmp_path, "a.csv", "\n".join(["n,text", *rows]).encode())
    chunks = list(read_chunks(path, "a.csv", block_bytes=1 << 12))
    assert len(chunks) > 10
    assert [chunk.rows.column("n")[0].as_py() for chunk in chunks] == [str(chunk.first_row - 1) for chunk in chunks]
    assert read_table(path, "a.csv", block_bytes=1 << 12).n.tolist() == [str(number) for number in range(3000)]


def test_error_has_the_number_of_a_bad_record_far_down(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"a,b\n" + b"1,2\n" * 5000 + b"1\n")
    with pytest.raises(UnreadableFileError, match="record 5002 "):
        read_table(path, "a.csv", block_bytes=1 << 12)
    text = b"a,b\n" + b"1,2\n" * 600_000 + b"1,\xff\n"
    with pytest.raises(UnreadableFileError, match="line 600002: not UTF-8"):
        read_table(write(tmp_path, "a.csv", text), "a.csv", block_bytes=1 << 12)


def test_record_longer_than_a_block_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b'a,b\n1,"' + b"x" * (1 << 13) + b'"\n')
    with pytest.raises(UnreadableFileError, match=r"a record is longer than 4,096 bytes, or a quotation mark"):
        read_table(path, "a.csv", block_bytes=1 << 12)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({"n": [1, None], "when": [datetime.date(2013, 1, 1), None], "cost": [Decimal("1.50"), None]})
    pyarrow.parquet.write_table(table, tmp_path / "object")
    [chunk] = read_chunks(tmp_path / "object", "a.parquet", columns=["n", "absent"])
    assert not chunk.text
    assert chunk.rows.schema == pa.schema([("n", pa.int64())])
    assert read_columns(tmp_path / "object", "a.parquet") == ["n", "when", "cost"]


def test_names_the_problem_of_a_damaged_parquet(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"n": list(range(1000))}), tmp_path / "object")
    content = (tmp_path / "object").read_bytes()
    (tmp_path / "object").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFileError, match=r"a\.parquet: no Parquet file, or a truncated one"):
        read_table(tmp_path / "object", "a.parquet")
    (tmp_path / "object").write_bytes(content[:50] + b"\xff" * 900 + content[950:])
    with pytest.raises(UnreadableFileError, match=r"a\.parquet: damaged after row 0"):
        read_table(tmp_path / "object", "a.parquet")


cells = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=8)


@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=20))
def test_reads_back_what_pandas_writes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, str | None]]
) -> None:
    table = pd.DataFrame(rows, columns=["a", "b"], dtype="object")
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(table.to_csv(index=False, lineterminator="\n").encode())
    found = read_table(path, "a.csv")
    assert list(found.itertuples(index=False, name=None)) == rows
