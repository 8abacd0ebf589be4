"""Rows taken out of files, and histories made anew without them: laws that hold for any content."""

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

from pipelines.datasets.commits.manifest import Commit, File
from pipelines.datasets.forgetting.redaction import redact
from pipelines.datasets.forgetting.rewriting import rewrite
from pipelines.datasets.forgetting.subject import Rows, digest_of
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
        taken = redact(place / "in", name, where, place / "out")
        return taken, (place / "out").read_bytes() if taken else None


@given(tables, endings)
def test_other_records_of_a_csv_stay_to_the_byte(rows: list[tuple[str, str]], ending: str) -> None:
    header = record(("id", "note"), ending)
    content = header + b"".join(record(row, ending) for row in rows)
    kept = header + b"".join(record(row, ending) for row in rows if row[0] != VALUE)
    taken, left = redacted(content, "a.csv", {"id": VALUE})
    assert taken == sum(row[0] == VALUE for row in rows)
    assert left == (kept if taken else None)
    packed, left_packed = redacted(gzip.compress(content), "a.csv.gz", {"id": VALUE})
    assert packed == taken
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
    taken, left = redacted(content.getvalue(), "a.parquet", {"id": VALUE})
    assert taken == sum(row[0] == VALUE for row in rows)
    if left is not None:
        found = pq.read_table(io.BytesIO(left))
        assert found.schema.equals(table.schema)
        expected = [row for row in table.to_pylist() if row["id"] != VALUE]
        assert found.to_pylist() == expected
        # Dictionaries and statistics of other columns may have it, if those do.
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
def test_parquet_values_are_compared_as_what_the_column_is(values: pa.Array, wanted: str) -> None:
    content = io.BytesIO()
    pq.write_table(pa.table({"x": values}), content)
    taken, left = redacted(content.getvalue(), "a.parquet", {"x": wanted})
    assert taken == 1
    assert left is not None
    assert pq.read_table(io.BytesIO(left)).column("x").to_pylist() == [values[0].as_py(), None]
    assert redacted(content.getvalue(), "a.parquet", {"y": wanted}) == (0, None)


def test_number_that_is_none_is_in_no_row_and_other_kinds_are_refused() -> None:
    content = io.BytesIO()
    pq.write_table(pa.table({"n": [1], "t": [datetime(2013, 1, 1)], "l": [[1]]}), content)
    assert redacted(content.getvalue(), "a.parquet", {"n": "N14228"}) == (0, None)
    for column in ("t", "l"):
        with pytest.raises(UnreadableFileError, match=f"column {column}") as refused:
            redacted(content.getvalue(), "a.parquet", {column: VALUE})
        assert VALUE not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
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
def test_what_cannot_be_read_is_no_clean_file(name: str, content: bytes, said: str) -> None:
    with pytest.raises(UnreadableFileError, match=said):
        redacted(content, name, {"id": VALUE})


def test_byte_order_mark_and_columns_of_the_same_name() -> None:
    assert redacted(b"\xef\xbb\xbfid\nsecret\nx\n", "a.csv", {"id": VALUE}) == (1, b"\xef\xbb\xbfid\nx\n")
    assert redacted(b"id,id\nx,secret\nsecret,x\nx,y\n", "a.csv", {"id": VALUE}) == (2, b"id,id\nx,y\n")
    assert redacted(b"id,note\nx\nsecret\n", "a.csv", {"note": VALUE}) == (0, None)


Changes = list[dict[str, list[str]]]
changes: st.SearchStrategy[Changes] = st.lists(
    st.dictionaries(
        st.sampled_from(["a.csv", "b.csv", "c/d.csv"]), st.lists(fields, max_size=4), min_size=1, max_size=2
    ),
    min_size=1,
    max_size=5,
)


def described(place: Path, path: str, rows: list[str]) -> File:
    content = record(("id",), "\n") + b"".join(record((row,), "\n") for row in rows)
    place.write_bytes(content)
    return File(path=path, sha256=digest_of(place), size_bytes=len(content))


def chained(contents: Changes, place: Path) -> list[Commit]:
    commits: list[Commit] = []
    for number, files in enumerate(contents):
        commits.append(
            Commit.of(
                "d",
                [described(place, path, rows) for path, rows in files.items()],
                parent=commits[-1] if commits else None,
                author="ann",
                time=f"2026-01-0{number + 1}T00:00:00Z",
                message=str(number),
            )
        )
    return commits


@given(changes)
def test_rewritten_history_is_the_one_of_the_filtered_contents(contents: Changes) -> None:
    """The same ids, commits and trees, as if the rows had never been committed."""
    with folder() as place:
        commits = chained(contents, place / "x")
        clean = chained(
            [{p: [r for r in rows if r != VALUE] for p, rows in files.items()} for files in contents], place / "x"
        )
        replaced: dict[str, File | None] = {}
        for files in contents:
            for path, rows in files.items():
                old = described(place / "x", path, rows)
                found = Rows(where={"id": VALUE}).look(place / "x", path, place / f"{old.sha256}.new")
                if found and found.file:
                    replaced[old.sha256] = File(path="", sha256=found.file.sha256, size_bytes=found.file.size_bytes)
        made = rewrite(commits, replaced)
    assert [made.get(commit.id, commit) for commit in commits] == clean
    assert list(rewrite(commits, {})) == []


@given(changes)
def test_file_taken_out_leaves_all_others(contents: Changes) -> None:
    with folder() as place:
        commits = chained(contents, place / "x")
    gone = {file.sha256: None for commit in commits for file in commit.files if file.path == "a.csv"}
    made = rewrite(commits, gone)
    for commit in commits:
        kept = [file for file in commit.files if file.sha256 not in gone]
        assert list(made.get(commit.id, commit).files) == kept
