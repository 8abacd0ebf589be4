"""The mergeable statistical summary of a table.

A baseline fixes the *layout*: the edges of each numeric column's bins and the categories of each categorical column.
Profiles of the same layout add up, in any order and grouping, to the profile of all their rows.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = 1
BINS = 10
MAX_CATEGORIES = 200
PREDICTION = "prediction"
"""The column that holds the model's output."""

Values = Sequence[Any] | npt.NDArray[Any]


class LayoutMismatchError(ValueError):
    """Two profiles whose columns, edges or categories differ cannot be added or compared."""


@dataclass
class Column:
    """Counts of one column. ``edges`` is None for a category.

    For n edges there are n + 1 bins: below the first, [edge, next edge), and from the last on. ``unknown`` counts what
    is no number in a numeric column, and what is none of the listed categories in a categorical one.
    """

    edges: list[float] | None
    categories: list[str]
    counts: list[int]
    missing: int = 0
    infinite: int = 0
    unknown: int = 0
    absent: int = 0
    """Rows that came without this column at all; they are also counted as missing."""

    @property
    def rows(self) -> int:
        return sum(self.counts) + self.missing + self.infinite + self.unknown

    def same_layout(self, other: "Column") -> bool:
        return self.edges == other.edges and self.categories == other.categories


@dataclass
class Profile:
    rows: int = 0
    columns: dict[str, Column] = field(default_factory=dict)

    def empty(self) -> "Profile":
        """A profile of the same layout without rows."""
        return Profile(
            columns={
                name: Column(edges=column.edges, categories=column.categories, counts=[0] * len(column.counts))
                for name, column in self.columns.items()
            }
        )

    def add(self, rows: int, table: Mapping[str, Values]) -> None:
        """Count ``rows`` more rows. A column that ``table`` lacks counts as absent; one that the layout lacks, not."""
        self.rows += rows
        for name, column in self.columns.items():
            if name not in table:
                column.missing += rows
                column.absent += rows
            elif column.edges is None:
                _add_categories(column, table[name])
            else:
                _add_numbers(column, column.edges, table[name])

    def merge(self, other: "Profile") -> "Profile":
        """The profile of both profiles' rows.

        Raises
        ------
        LayoutMismatchError
            They are of different layouts.
        """
        check_layout(self, other)
        merged = self.empty()
        merged.rows = self.rows + other.rows
        for name, column in merged.columns.items():
            one, two = self.columns[name], other.columns[name]
            column.counts = [a + b for a, b in zip(one.counts, two.counts, strict=True)]
            column.missing = one.missing + two.missing
            column.infinite = one.infinite + two.infinite
            column.unknown = one.unknown + two.unknown
            column.absent = one.absent + two.absent
        return merged

    def to_document(self) -> dict[str, Any]:
        columns = {
            name: {
                "edges": column.edges,
                "categories": column.categories,
                "counts": column.counts,
                "missing": column.missing,
                "infinite": column.infinite,
                "unknown": column.unknown,
                "absent": column.absent,
            }
            for name, column in self.columns.items()
        }
        return {"format": FORMAT, "rows": self.rows, "columns": columns}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Profile":
        if document.get("format") != FORMAT:
            raise LayoutMismatchError(f"a profile of format {document.get('format')!r}, this code reads {FORMAT}")
        columns = {name: Column(**column) for name, column in document["columns"].items()}
        return cls(rows=document["rows"], columns=columns)


def check_layout(one: Profile, two: Profile) -> None:
    """Raise ``LayoutMismatchError`` unless both profiles have the same columns, edges and categories."""
    differing = sorted(set(one.columns) ^ set(two.columns)) + [
        name for name in one.columns if name in two.columns and not one.columns[name].same_layout(two.columns[name])
    ]
    if differing:
        raise LayoutMismatchError(f"profiles of different layouts in: {', '.join(differing)}")


def baseline(table: Mapping[str, Values], *, categorical: Sequence[str]) -> Profile:
    """The profile of a reference table, whose quantiles and categories become the layout."""
    rows = len(next(iter(table.values())))
    profile = Profile()
    for name, values in table.items():
        if name in categorical:
            counted = Counter(str(value) for value in values if not _is_missing(value))
            categories = sorted(category for category, _ in counted.most_common(MAX_CATEGORIES))
            profile.columns[name] = Column(edges=None, categories=categories, counts=[0] * len(categories))
        else:
            edges = _edges(_numbers(values)[0])
            profile.columns[name] = Column(edges=edges, categories=[], counts=[0] * (len(edges) + 1))
    profile.add(rows, table)
    return profile


def _edges(values: npt.NDArray[np.float64]) -> list[float]:
    """Quantiles of the finite values, closed by the smallest and just above the largest.

    So whatever lies outside the reference's range has bins of its own, and a constant column sees its first change.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return []
    inner = np.quantile(finite, np.linspace(0, 1, BINS + 1)[:-1], method="inverted_cdf")
    return [float(edge) for edge in np.unique(np.append(inner, np.nextafter(finite.max(), np.inf)))]


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _numbers(values: Values) -> tuple[npt.NDArray[np.float64], int, int]:
    """The values as numbers, missing ones and text as NaN; how many are missing, how many are text."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        numbers = values.astype(np.float64)
        return numbers, int(np.isnan(numbers).sum()), 0
    try:
        numbers = np.array(["nan" if _is_missing(value) else value for value in values], dtype=np.float64)
        return numbers, int(np.isnan(numbers).sum()), 0
    except (ValueError, TypeError):
        parsed = [_number(value) for value in values]
        numbers = np.array([math.nan if value is None else value for value in parsed], dtype=np.float64)
        unknown = parsed.count(None)
        return numbers, int(np.isnan(numbers).sum()) - unknown, unknown


def _number(value: Any) -> float | None:
    """NaN for what is missing, None for what is no number."""
    try:
        return math.nan if _is_missing(value) else float(value)
    except (ValueError, TypeError):
        return None


def _add_numbers(column: Column, edges: list[float], values: Values) -> None:
    numbers, missing, unknown = _numbers(values)
    finite = numbers[np.isfinite(numbers)]
    counted = np.bincount(np.searchsorted(np.array(edges), finite, side="right"), minlength=len(edges) + 1)
    column.counts = [a + int(b) for a, b in zip(column.counts, counted, strict=True)]
    column.missing += missing
    column.unknown += unknown
    column.infinite += int(np.isinf(numbers).sum())


def _add_categories(column: Column, values: Values) -> None:
    counted = Counter(None if _is_missing(value) else str(value) for value in values)
    column.missing += counted.pop(None, 0)
    column.counts = [
        count + counted.pop(category, 0) for category, count in zip(column.categories, column.counts, strict=True)
    ]
    column.unknown += counted.total()
