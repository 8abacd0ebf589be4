"""The counts of one column of categories, on the list of categories that the reference has."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.statistics import sample
from pipelines.statistics.values import Cell, Values, is_missing

CATEGORY = "category"
MAX_CATEGORIES = 1_000
"""Largest number of categories that a column lists."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CategoryColumnDocument:
    """``CategoryColumn`` as JSON; ``kind`` is ``category``."""

    kind: str
    categories: tuple[str, ...]
    complete: bool
    counts: tuple[int, ...]
    other: int = 0
    unseen: int = 0
    missing: int = 0
    absent: int = 0
    newcomers: Mapping[str, int] = field(default_factory=dict)


@dataclass(kw_only=True)
class CategoryColumn:
    """Counts of a column of categories.

    ``categories`` are the most frequent ones of the reference, sorted, and ``counts`` are theirs. If the list is
    ``complete``, an unlisted category is *unseen*: the reference never had it. Otherwise it is *other*: the reference
    may have had it. ``newcomers`` is a sample of the unseen categories with their counts; see ``sample.keep``.
    """

    categories: list[str]
    complete: bool
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    other: int = 0
    unseen: int = 0
    missing: int = 0
    absent: int = 0
    """Rows that came without this column; they are also counted as missing."""
    newcomers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.counts):
            self.counts = np.zeros(len(self.categories), np.int64)

    @classmethod
    def like(cls, values: Values) -> "CategoryColumn":
        """Return a column without rows that lists the categories of these values."""
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

    def to_document(self) -> CategoryColumnDocument:
        return CategoryColumnDocument(
            kind=CATEGORY,
            categories=tuple(self.categories),
            complete=self.complete,
            counts=tuple(self.counts.tolist()),
            other=self.other,
            unseen=self.unseen,
            missing=self.missing,
            absent=self.absent,
            newcomers=self.newcomers,
        )

    @classmethod
    def from_document(cls, document: CategoryColumnDocument) -> "CategoryColumn":
        return cls(
            categories=list(document.categories),
            complete=document.complete,
            counts=np.array(document.counts, np.int64),
            other=document.other,
            unseen=document.unseen,
            missing=document.missing,
            absent=document.absent,
            newcomers=dict(document.newcomers),
        )


def count(values: Values) -> tuple[dict[str, int], int]:
    """Return the number of rows of each category, as text, and the number of missing values.

    A whole number is written without a decimal point, because a column of integers with gaps is read as floats.

    Examples
    --------
    >>> count(["JFK", 1, 1.0, True, None, ""])
    ({'JFK': 1, '1': 2, 'True': 1}, 2)
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


def _counted(values: Values) -> Iterable[tuple[Cell, int]]:
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    try:
        counted = Counter(listed)
        if not ((0 in counted or 1 in counted) and bool in set(map(type, listed))):
            return counted.items()
    except TypeError:
        pass
    # A list or an object of JSON cannot be counted as it is, and True would be counted as the 1 that it is equal to.
    return Counter(str(value) if isinstance(value, list | dict | bool) else value for value in listed).items()


def _name(value: Cell) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
