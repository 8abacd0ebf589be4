"""A column of the reference beside the same column of a window, with all that their comparison needs, computed once."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.statistics import distances as statistics
from pipelines.statistics.category_column import CategoryColumn
from pipelines.statistics.cells import category_cells, gathered, number_cells
from pipelines.statistics.distances import BinnedStatistic
from pipelines.statistics.number_column import NumberColumn

Counts = npt.NDArray[np.int64]

SLACK = 1 + 1e-9
"""Factor on a margin, for an end of a bin that rounding has put past it."""


@dataclass(frozen=True)
class NumberPair:
    """Pair of columns of numbers: ``before`` is the reference's, ``now`` the window's."""

    before: NumberColumn
    now: NumberColumn

    @property
    def kind(self) -> str:
        return self.before.kind

    @property
    def then_bins(self) -> Counts:
        return self.before.counts

    @property
    def now_bins(self) -> Counts:
        return self.now.counts

    @cached_property
    def once(self) -> int:
        """The number of values that the reference had only once; 1 where its bins are ranges, at least 1."""
        return max(1, int(np.count_nonzero(self.before.counts == 1))) if self.before.discrete else 1

    @cached_property
    def unseen(self) -> int:
        """The number of the window's rows whose value the reference never had; see ``Oddities``."""
        return int(self.now.counts[self.before.counts == 0].sum())

    @cached_property
    def strange(self) -> int:
        """The number of unseen rows that are not near the reference's range."""
        return int(self.now.counts[self._strange_bins].sum())

    @cached_property
    def _strange_bins(self) -> npt.NDArray[np.bool_]:
        empty: npt.NDArray[np.bool_] = np.equal(self.before.counts, 0)
        some = np.flatnonzero(~empty)
        if not len(some) or not len(self.before.edges):
            return empty
        edges, margin = self.before.edges, self.before.margin
        first, last = max(0, some[0] - 1), min(len(edges) - 1, some[-1])
        starts, ends = np.append(-np.inf, edges), np.append(edges, np.inf)
        with np.errstate(over="ignore"):
            near = (starts >= edges[first] - margin * SLACK) & (ends <= edges[last] + margin * SLACK)
        near[some[0] : some[-1] + 1] = False
        strange: npt.NDArray[np.bool_] = empty & ~near
        return strange

    @cached_property
    def cells(self) -> tuple[Counts, Counts]:
        """The counts of the cells: bins are put together where one has too few rows to compare."""
        return gathered(self._labels, self.before.counts), gathered(self._labels, self.now.counts)

    @cached_property
    def all_cells(self) -> tuple[Counts, Counts]:
        """The counts of all rows of both: of the cells, then of strange, missing, infinite and unreadable values."""
        then, now = (np.where(self._strange_bins, 0, column.counts) for column in (self.before, self.now))
        return (
            np.append(
                gathered(self._labels, then), [0, self.before.missing, self.before.infinite, self.before.unreadable]
            ),
            np.append(
                gathered(self._labels, now), [self.strange, self.now.missing, self.now.infinite, self.now.unreadable]
            ),
        )

    @cached_property
    def kolmogorov_smirnov(self) -> BinnedStatistic | None:
        """The statistic over all bins; None where a sample has no numbers, or there are no bins."""
        edges = self.before.edges
        if not len(edges) or not self.before.counts.any() or not self.now.counts.any():
            return None
        single = np.zeros(len(edges) + 1, bool)
        single[1:-1] = edges[1:] == np.nextafter(edges[:-1], np.inf)
        return statistics.kolmogorov_smirnov(self.before.counts, self.now.counts, single)

    @cached_property
    def wasserstein(self) -> BinnedStatistic | None:
        """The statistic in standard deviations of the reference; None where the deviation is no positive number."""
        before, now, edges = self.before.sums, self.now.sums, self.before.edges
        if self.kolmogorov_smirnov is None or not 0 < before.deviation < np.inf:
            return None
        low = min(number for number in (before.low, now.low, edges[0]) if number is not None)
        high = max(number for number in (before.high, now.high, edges[-1]) if number is not None)
        ends = np.concatenate(([low], edges, [high])) / before.deviation
        area = statistics.wasserstein(self.before.counts, self.now.counts, ends)
        return area if math.isfinite(area.value) and math.isfinite(area.error) else None

    @cached_property
    def _labels(self) -> Counts:
        return number_cells(self.before.counts, self.now.counts)


@dataclass(frozen=True)
class CategoryPair:
    """Pair of columns of categories, as ``NumberPair``; all unlisted categories are one bin."""

    before: CategoryColumn
    now: CategoryColumn
    kind: str = "category"

    @cached_property
    def then_bins(self) -> Counts:
        return np.append(self.before.counts, self.before.other)

    @cached_property
    def now_bins(self) -> Counts:
        return np.append(self.now.counts, self.now.other)

    @cached_property
    def once(self) -> int:
        """The number of categories that the reference had only once, at least 1."""
        return max(1, int(np.count_nonzero(self.before.counts == 1)))

    @property
    def unseen(self) -> int:
        return self.now.unseen

    @property
    def strange(self) -> int:
        return self.now.unseen

    @cached_property
    def cells(self) -> tuple[Counts, Counts]:
        """The counts of the cells: bins are put together where one has too few rows to compare."""
        labels = category_cells(self.then_bins, self.now_bins)
        return gathered(labels, self.then_bins), gathered(labels, self.now_bins)

    @cached_property
    def all_cells(self) -> tuple[Counts, Counts]:
        """The counts of all rows of both: of the cells, then of unseen and missing values."""
        return (
            np.append(self.cells[0], [0, self.before.missing]),
            np.append(self.cells[1], [self.unseen, self.now.missing]),
        )


Pair = NumberPair | CategoryPair


def pair_of(before: NumberColumn | CategoryColumn, now: NumberColumn | CategoryColumn) -> Pair:
    """Return the pair of two columns of the same layout."""
    if isinstance(before, NumberColumn) and isinstance(now, NumberColumn):
        return NumberPair(before, now)
    assert isinstance(before, CategoryColumn)
    assert isinstance(now, CategoryColumn)
    return CategoryPair(before, now)
