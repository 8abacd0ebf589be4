"""Laws of what differs between two versions, and how their columns moved."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.commits.commits import File
from pipelines.datasets.commits.difference import FileDifference, compare_files, compare_schemas
from pipelines.tables.reading import UnreadableFileError
from pipelines.views.exploration.movement import Movement, compare_columns

paths = st.sampled_from(["a.csv", "b.csv", "c.csv", "d/a.csv", "d/b.csv", "e.csv"])
digests = st.sampled_from(["1" * 64, "2" * 64, "3" * 64])
trees = st.dictionaries(paths, digests)


def files(tree: Mapping[str, str]) -> list[File]:
    return [File(path=path, sha256=digest, size_bytes=int(digest[0])) for path, digest in sorted(tree.items())]


@given(trees)
def test_version_does_not_differ_from_itself(tree: dict[str, str]) -> None:
    assert compare_files(files(tree), files(tree)) == FileDifference()
    assert not compare_files(files(tree), files(tree))


@given(trees, trees)
def test_applied_difference_gives_the_new_version(old: dict[str, str], new: dict[str, str]) -> None:
    difference = compare_files(files(old), files(new))
    assert difference.apply(files(old)) == tuple(files(new))
    assert bool(difference) == (old != new)


@given(trees, trees)
def test_difference_backwards_swaps_what_came_and_what_went(old: dict[str, str], new: dict[str, str]) -> None:
    there, back = compare_files(files(old), files(new)), compare_files(files(new), files(old))
    assert [file.path for file in there.added] == [file.path for file in back.removed]
    assert [pair.new.path for pair in there.changed] == [pair.old.path for pair in back.changed]
    assert len(there.renamed) == len(back.renamed)


def test_same_content_under_another_path_is_renamed_and_a_copy_is_added() -> None:
    one, two = "1" * 64, "2" * 64
    difference = compare_files(files({"a.csv": one, "b.csv": two}), files({"c.csv": one, "b.csv": two, "e.csv": two}))
    assert [(pair.old.path, pair.new.path) for pair in difference.renamed] == [("a.csv", "c.csv")]
    assert [file.path for file in difference.added] == ["e.csv"]
    assert not difference.removed


def test_schemas_say_what_came_went_and_changed_its_kind() -> None:
    found = compare_schemas({"a": "integer", "b": "text", "c": "time"}, {"a": "number", "c": "time", "d": "text"})
    assert (found.added, found.removed, found.retyped) == ({"d": "text"}, {"b": "text"}, {"a": ("integer", "number")})
    assert not compare_schemas({"a": "text"}, {"a": "text"})


def compare(old: dict[str, pd.DataFrame | None], new: dict[str, pd.DataFrame | None], parts: int = 1) -> Movement:
    """Two versions by path; a file's digest is its path, and None is no table."""

    def version(tables: Mapping[str, object]) -> list[File]:
        return [File(path=path, sha256=path, size_bytes=1) for path in tables]

    def read(file: File) -> Iterator[pd.DataFrame]:
        table = (old | new)[file.path]
        if table is None:
            raise UnreadableFileError(f"{file.path}: no table")
        step = -(-len(table) // parts)
        for start in range(0, len(table), step):
            yield table[start : start + step]

    return compare_columns(version(old), version(new), read)


def table(rows: int, *, mean: float = 0.0, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": [f"{value:.4f}" for value in random.normal(mean, 1, rows)],
            "n": [str(value) for value in random.integers(0, 9, rows)],
            "c": random.choice(["red", "green", "blue"], rows),
        }
    )


def test_moved_column_is_ranked_first_and_the_others_stay() -> None:
    moved = compare({"a.csv": table(2000)}, {"b.csv": table(2000, mean=2.0, seed=1)})
    assert moved.columns[0].name == "x"
    assert moved.columns[0].psi > 1
    assert all(column.psi < 0.05 for column in moved.columns[1:])
    assert (moved.columns[0].kind, moved.old_rows, moved.new_rows) == ("number", 2000, 2000)
    assert moved.columns[0].old.mean == pytest.approx(0, abs=0.1)
    assert moved.columns[0].new.mean == pytest.approx(2, abs=0.1)
    assert not moved.schema


def test_same_rows_have_not_moved_however_they_are_parted() -> None:
    rows = table(900)
    whole = compare({"a.csv": rows}, {"b.csv": rows[:300], "c.csv": rows[300:]})
    assert [column.psi for column in whole.columns] == [0, 0, 0]
    parted = compare({"a.csv": rows}, {"b.csv": rows[:300], "c.csv": rows[300:]}, parts=7)
    assert [(column.name, column.psi, column.new.shares) for column in parted.columns] == [
        (column.name, column.psi, column.new.shares) for column in whole.columns
    ]


def test_column_that_changed_its_kind_or_went_is_said() -> None:
    old = table(500)
    new = old.assign(n=old.n + " kg", when="2026-01-01").drop(columns="c")
    moved = compare({"a.csv": old}, {"b.csv": new})
    assert moved.schema.retyped == {"n": ("integer", "text")}
    assert (moved.schema.added, moved.schema.removed) == ({"when": "time"}, {"c": "text"})
    assert moved.columns[0].name == "n"
    assert moved.columns[0].new.strays == 500


def test_file_that_is_no_table_is_named_and_the_rest_compared() -> None:
    moved = compare({"a.csv": table(100), "notes.txt": None}, {"a.csv": table(100)})
    assert moved.unread == {"notes.txt": "notes.txt: no table"}
    assert len(moved.columns) == 3
    assert compare({"notes.txt": None}, {"notes.txt": None}).columns == ()


def test_categories_that_shifted_most_are_named() -> None:
    old = pd.DataFrame({"c": ["red"] * 50 + ["blue"] * 50})
    new = pd.DataFrame({"c": ["red"] * 90 + ["blue"] * 5 + ["pink"] * 5})
    found = compare({"a.csv": old}, {"b.csv": new}).columns[0]
    assert found.shifted == "blue"
    assert (found.old.shares["blue"], found.new.shares["blue"]) == (0.5, 0.05)
