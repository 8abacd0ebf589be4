"""How the columns of two versions of a dataset changed."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pytest

from pipelines.datasets.commits.manifest import File
from pipelines.tables.reading import UnreadableFileError
from pipelines.views.exploration.movement import Movement, compare_columns


def compare(old: dict[str, pd.DataFrame | None], new: dict[str, pd.DataFrame | None], parts: int = 1) -> Movement:
    """Compare two versions, given as tables by path; a file's digest is its path, and None is no table."""

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


def test_changed_column_is_ranked_first() -> None:
    moved = compare({"a.csv": table(2000)}, {"b.csv": table(2000, mean=2.0, seed=1)})
    assert moved.columns[0].name == "x"
    assert moved.columns[0].psi > 1
    assert all(column.psi < 0.05 for column in moved.columns[1:])
    assert (moved.columns[0].kind, moved.old_rows, moved.new_rows) == ("number", 2000, 2000)
    assert moved.columns[0].old.mean == pytest.approx(0, abs=0.1)
    assert moved.columns[0].new.mean == pytest.approx(2, abs=0.1)
    assert not moved.schema


def test_same_rows_have_not_changed_in_other_files_or_parts() -> None:
    rows = table(900)
    whole = compare({"a.csv": rows}, {"b.csv": rows[:300], "c.csv": rows[300:]})
    assert [column.psi for column in whole.columns] == [0, 0, 0]
    parted = compare({"a.csv": rows}, {"b.csv": rows[:300], "c.csv": rows[300:]}, parts=7)
    assert [(column.name, column.psi, column.new.shares) for column in parted.columns] == [
        (column.name, column.psi, column.new.shares) for column in whole.columns
    ]


def test_reports_retyped_added_and_removed_columns() -> None:
    old = table(500)
    new = old.assign(n=old.n + " kg", when="2026-01-01").drop(columns="c")
    moved = compare({"a.csv": old}, {"b.csv": new})
    assert moved.schema.retyped == {"n": ("integer", "text")}
    assert (moved.schema.added, moved.schema.removed) == ({"when": "time"}, {"c": "text"})
    assert moved.columns[0].name == "n"
    assert moved.columns[0].new.strays == 500


def test_names_a_file_that_is_no_table_and_compares_the_rest() -> None:
    moved = compare({"a.csv": table(100), "notes.txt": None}, {"a.csv": table(100)})
    assert moved.unread == {"notes.txt": "notes.txt: no table"}
    assert len(moved.columns) == 3
    assert compare({"notes.txt": None}, {"notes.txt": None}).columns == ()


def test_names_the_category_that_shifted_most() -> None:
    old = pd.DataFrame({"c": ["red"] * 50 + ["blue"] * 50})
    new = pd.DataFrame({"c": ["red"] * 90 + ["blue"] * 5 + ["pink"] * 5})
    found = compare({"a.csv": old}, {"b.csv": new}).columns[0]
    assert found.shifted == "blue"
    assert (found.old.shares["blue"], found.new.shares["blue"]) == (0.5, 0.05)
