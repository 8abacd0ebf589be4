"""The counts of one column of numbers, on edges that the reference fixes."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.statistics.sums import Sums, SumsDocument
from pipelines.statistics.values import NUMBER, TIME, Array, Values, to_numbers

BINS = 250
"""Number of quantiles that become edges: no bin of several values holds more than 0.5 % of the reference."""
MAX_VALUES = 128
"""Largest number of distinct values of a reference that has a bin for each of them."""
OUTSIDE = (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)
"""Edges beyond the reference's range, in distances of its quartiles."""
BLOCK = 32_768
"""Number of values that are sorted at a time: they fit into a core's cache, and the search of the edges is cheap."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class NumberColumnDocument:
    """``NumberColumn`` as JSON."""

    kind: str
    edges: tuple[float, ...]
    discrete: bool
    margin: float
    counts: tuple[int, ...]
    sums: SumsDocument
    zeros: int = 0
    missing: int = 0
    infinite: int = 0
    unreadable: int = 0
    absent: int = 0


@dataclass(kw_only=True)
class NumberColumn:
    """Counts of a column of numbers in bins. ``kind`` is number, text or time; see ``values``.

    n edges make n + 1 bins: below the first edge, [edge, next edge), and from the last edge on. A frequent value of the
    reference is a bin by itself, [value, next float). With ``discrete``, every value of the reference is such a bin;
    then all bins between them are empty in the reference. Outside the reference's range the bins widen; a value at most
    ``margin`` outside this range is still near it. A column of times has no edges, because time always moves on.
    """

    kind: str
    edges: Array
    discrete: bool
    margin: float
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    sums: Sums = field(default_factory=Sums)
    zeros: int = 0
    missing: int = 0
    infinite: int = 0
    unreadable: int = 0
    absent: int = 0
    """Rows that came without this column; they are also counted as missing."""

    def __post_init__(self) -> None:
        if not len(self.counts):
            self.counts = np.zeros(len(self.edges) + 1, np.int64)

    @classmethod
    def like(cls, values: Values, kind: str = NUMBER) -> "NumberColumn":
        """Return a column without rows whose edges come from these values."""
        numbers = np.zeros(0) if kind == TIME else to_numbers(kind, values)[0]
        finite = np.sort(numbers[np.isfinite(numbers)])
        edges, discrete = edges_of(finite)
        return cls(kind=kind, edges=edges, discrete=discrete, margin=margin_of(finite))

    @property
    def rows(self) -> int:
        return int(self.counts.sum()) + self.missing + self.infinite + self.unreadable

    def empty(self) -> "NumberColumn":
        return NumberColumn(kind=self.kind, edges=self.edges, discrete=self.discrete, margin=self.margin)

    def same_layout(self, other: object) -> bool:
        return (
            isinstance(other, NumberColumn)
            and (self.kind, self.discrete, self.margin) == (other.kind, other.discrete, other.margin)
            and np.array_equal(self.edges, other.edges)
        )

    def miss(self, rows: int) -> None:
        """Count rows that came without this column."""
        self.missing += rows
        self.absent += rows

    def add(self, values: Values) -> None:
        """Count values, in any order.

        Blocks of values are sorted, and the edges are searched in them: cheaper than a search of each value's bin.
        """
        numbers, unreadable = to_numbers(self.kind, values)
        # -inf and NaN sort to the two ends, so that one search finds them as well.
        marks = np.concatenate(([np.finfo(np.float64).min], self.edges, [np.inf, np.nan]))
        below = np.zeros(len(marks), np.int64)
        for start in range(0, len(numbers), BLOCK):
            block = np.sort(numbers[start : start + BLOCK])
            found = block.searchsorted(marks)
            below += found
            finite = block[found[0] : found[-2]]
            self.sums += Sums.of(finite)
            self.zeros += int(finite.searchsorted(0.0, "right") - finite.searchsorted(0.0))
        self.counts = self.counts + np.diff(below[:-1])
        missing = len(numbers) - int(below[-1]) - unreadable
        self.missing += missing
        self.unreadable += unreadable
        self.infinite += int(below[0] + below[-1] - below[-2])

    def __add__(self, other: "NumberColumn") -> "NumberColumn":
        return NumberColumn(
            kind=self.kind,
            edges=self.edges,
            discrete=self.discrete,
            margin=self.margin,
            counts=self.counts + other.counts,
            sums=self.sums + other.sums,
            zeros=self.zeros + other.zeros,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            unreadable=self.unreadable + other.unreadable,
            absent=self.absent + other.absent,
        )

    def to_document(self) -> NumberColumnDocument:
        return NumberColumnDocument(
            kind=self.kind,
            edges=tuple(self.edges.tolist()),
            discrete=self.discrete,
            margin=self.margin,
            counts=tuple(self.counts.tolist()),
            sums=self.sums.to_document(),
            zeros=self.zeros,
            missing=self.missing,
            infinite=self.infinite,
            unreadable=self.unreadable,
            absent=self.absent,
        )

    @classmethod
    def from_document(cls, document: NumberColumnDocument) -> "NumberColumn":
        return cls(
            kind=document.kind,
            edges=np.array(document.edges, np.float64),
            discrete=document.discrete,
            margin=document.margin,
            counts=np.array(document.counts, np.int64),
            sums=Sums.from_document(document.sums),
            zeros=document.zeros,
            missing=document.missing,
            infinite=document.infinite,
            unreadable=document.unreadable,
            absent=document.absent,
        )


def edges_of(finite: Array) -> tuple[Array, bool]:
    """Return edges for bins of these sorted numbers, and whether each distinct value has a bin by itself.

    If there are few distinct values, each becomes a bin, so that a nearly constant column shows its first change.
    Otherwise the quantiles are the edges, and a value that is several quantiles becomes a bin. Values outside the range
    of the numbers have their own bins, so one outlier spoils no other bin.
    """
    if not len(finite):
        return np.zeros(0), True
    distinct = np.unique(finite)
    discrete = len(distinct) <= min(MAX_VALUES, max(1, len(finite) // 2))
    if discrete:
        starts = own = distinct
    else:
        starts = finite[np.arange(BINS) * len(finite) // BINS]
        times = finite.searchsorted(starts, "right") - finite.searchsorted(starts)
        own = np.append(starts[times > max(1, len(finite) // (4 * BINS))], finite[-1])
    with np.errstate(over="ignore"):
        ends, away = np.nextafter(own, np.inf), np.array(OUTSIDE) * margin_of(finite)
        edges = np.unique(np.concatenate((starts[0] - away, starts, ends, ends[-1] + away)))
    return edges[np.isfinite(edges)], discrete


def margin_of(finite: Array) -> float:
    """Return the distance between the quartiles of sorted numbers; see ``NumberColumn.margin``."""
    if not len(finite):
        return 0.0
    with np.errstate(over="ignore"):
        margin = float(finite[len(finite) * 3 // 4] - finite[len(finite) // 4])
    return margin if np.isfinite(margin) else float(np.finfo(np.float64).max)
