"""The counts of one column of categories, of those that the reference lists."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.statistics import sample
from pipelines.statistics.same_objects import count_objects
from pipelines.statistics.values import Values, is_missing

MAX_CATEGORIES = 1_000

Counts = npt.NDArray[np.int64]


@dataclass(kw_only=True)
class CategoryColumn:
    """``categories`` are the reference's most frequent ones, sorted, and ``counts`` theirs.

    Where the list is ``complete``, a category that is not listed is *unseen*; else it is *other*: whether the reference
    had it is not known. ``newcomers`` are some of the unseen ones with their counts: a sample that is the same in
    whatever order rows come.
    """

    categories: list[str]
    complete: bool
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    other: int = 0
    unseen: int = 0
    missing: int = 0
    absent: int = 0
    """Rows that came without this column at all; they are also counted as missing."""
    newcomers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.counts):
            self.counts = np.zeros(len(self.categories), np.int64)

    @classmethod
    def like(cls, values: Values) -> "CategoryColumn":
        """A column without rows, which lists the categories of these values."""
        counted, _ = count(values)
        frequent = sorted(counted, key=lambda category: (-counted[category], category))[:MAX_CATEGORIES]
        return cls(categories=sorted(frequent), complete=len(counted) <= MAX_CATEGORIES)

    @property
    def rows(self) -> int:
        return int(self.counts.sum()) + self.other + self.unseen + self.missing

    def empty(self) -> "CategoryColumn":
        return CategoryColumn(categories=self.categories, complete=self.complete)

    def same_layout(self, other: object) -> bool:
        return isinstance(other, CategoryColumn) and (self.categories, self.complete) == (
            other.categories,
            other.complete,
        )

    def miss(self, rows: int) -> None:
        """Count rows that came without this column."""
        self.missing += rows
        self.absent += rows

    def add(self, values: Values) -> None:
        counted, missing = count(values)
        self.missing += missing
        self.counts = self.counts + np.array([counted.pop(category, 0) for category in self.categories], np.int64)
        if self.complete:
            self.unseen += sum(counted.values())
            self.newcomers = sample.merge(self.newcomers, counted)
        else:
            self.other += sum(counted.values())

    def __add__(self, other: "CategoryColumn") -> "CategoryColumn":
        return CategoryColumn(
            categories=self.categories,
            complete=self.complete,
            counts=self.counts + other.counts,
            other=self.other + other.other,
            unseen=self.unseen + other.unseen,
            missing=self.missing + other.missing,
            absent=self.absent + other.absent,
            newcomers=sample.merge(self.newcomers, other.newcomers),
        )

    def to_document(self) -> dict[str, Any]:
        return {
            "kind": "category",
            "categories": self.categories,
            "complete": self.complete,
            "counts": self.counts.tolist(),
            "other": self.other,
            "unseen": self.unseen,
            "missing": self.missing,
            "absent": self.absent,
            "newcomers": self.newcomers,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "CategoryColumn":
        values = {name: value for name, value in document.items() if name != "kind"}
        return cls(**{**values, "counts": np.array(document["counts"], np.int64)})


def count(values: Values) -> tuple[dict[str, int], int]:
    """How often each category occurs, as text, and how many values are missing.

    A whole number is written without a decimal point, for a column of integers with gaps is read as floats.
    """
    found: dict[str, int] = {}
    missing = 0
    for value, rows in _counted(values):
        if is_missing(value):
            missing += rows
        else:
            name = value if isinstance(value, str) else _name(value)
            found[name] = found.get(name, 0) + rows
    return found, missing


def _counted(values: Values) -> Iterable[tuple[Any, int]]:
    """Values with their counts; equal ones may come several times."""
    if isinstance(values, np.ndarray) and values.dtype == object and (objects := count_objects(values)):
        return objects
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    try:
        counted = Counter(listed)
        if not ((0 in counted or 1 in counted) and bool in set(map(type, listed))):
            return counted.items()
    except TypeError:
        pass
    # A list or an object of JSON cannot be counted as it is, and True would be counted as the 1 that it is equal to.
    return Counter(str(value) if isinstance(value, list | dict | bool) else value for value in listed).items()


def _name(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
