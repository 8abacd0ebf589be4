"""Comparison of a window of traffic with the reference, column by column: distances, and whether they are chance."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.statistics import distances as statistics
from pipelines.statistics import evidence
from pipelines.statistics.distances import BinnedStatistic
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.pair import NumberPair, Pair, pair_of
from pipelines.statistics.profile import Column, Profile, check_layout
from pipelines.statistics.significance import chi_square_survival, false_discovery_rates

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Oddities:
    """Numbers of a column's rows that hold no ordinary value.

    ``unseen`` rows hold a value that the reference never had: an unlisted category, a number outside its range, or for
    a discrete column a number between its values. ``strange`` rows are the unseen ones that are not near its range.
    ``unreadable`` values are of another type. ``absent`` rows came without the column; they are also missing.
    """

    rows: int
    missing: int = 0
    infinite: int = 0
    unreadable: int = 0
    unseen: int = 0
    strange: int = 0
    absent: int = 0

    def share(self, of: str) -> float:
        """Return the share of the rows that are ``of`` one of the sorts above."""
        return float(getattr(self, of) / self.rows) if self.rows else 0.0


@dataclass(frozen=True, kw_only=True)
class ColumnComparison:
    """Comparison of one column; all distances are 0 for equal shares.

    ``effect`` is the size of the change from 0 to 1: the Jensen-Shannon distance less the distance that chance alone
    gives samples of these sizes. ``p_value`` is that of all tests of this column together, ``evidence`` the name of the
    test with the smallest one, and ``rate`` the false discovery rate at which the column stands out among all columns.

    ``psi`` and ``jensen_shannon`` use at most 20 cells of numbers, or the categories with enough expected rows, and one
    cell each for missing, infinite, unreadable and unseen values; ``chi_square`` uses only the former.
    ``kolmogorov_smirnov`` and ``wasserstein`` (in standard deviations of the reference) use all bins of numbers; they
    are None for categories and where one sample is empty. ``before`` and ``now`` are the reference's and the window's
    oddities, ``newcomers`` a sample of the unseen categories.
    """

    name: str
    kind: str
    effect: float
    p_value: float
    rate: float
    evidence: str
    psi: float
    jensen_shannon: float
    chi_square: float
    degrees: int
    chi_square_p_value: float
    kolmogorov_smirnov: BinnedStatistic | None
    wasserstein: BinnedStatistic | None
    before: Oddities
    now: Oddities
    newcomers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Comparison of all columns, in the reference's order; ``unexpected`` is as in ``Profile``."""

    reference_rows: int
    rows: int
    columns: list[ColumnComparison]
    unexpected: dict[str, int]


def compare(baseline: Profile, current: Profile) -> Comparison:
    """Compare every column of the reference's profile with the window's.

    Raises
    ------
    LayoutMismatchError
        The window was not counted on the reference's layout.
    """
    check_layout(baseline, current)
    pairs = {name: pair_of(column, current.columns[name]) for name, column in baseline.columns.items()}
    tested = [evidence.strongest(dict(evidence.tests_of(pair))) for pair in pairs.values()]
    rates = false_discovery_rates([p_value for _, p_value in tested])
    return Comparison(
        reference_rows=baseline.rows,
        rows=current.rows,
        columns=[
            _compared(name, pair, test, p_value, rate)
            for (name, pair), (test, p_value), rate in zip(pairs.items(), tested, rates, strict=True)
        ],
        unexpected=dict(current.unexpected),
    )


def _compared(name: str, pair: Pair, test: str, p_value: float, rate: float) -> ColumnComparison:
    then, now = pair.all_cells
    statistic, degrees = statistics.chi_square(*pair.cells)
    jensen_shannon = statistics.jensen_shannon(then, now) if now.any() and then.any() else 0.0
    return ColumnComparison(
        name=name,
        kind=pair.kind,
        effect=_beyond_chance(jensen_shannon, then, now),
        p_value=p_value,
        rate=rate,
        evidence=test,
        psi=statistics.psi(then, now),
        jensen_shannon=jensen_shannon,
        chi_square=statistic,
        degrees=degrees,
        chi_square_p_value=chi_square_survival(statistic, degrees),
        kolmogorov_smirnov=pair.kolmogorov_smirnov if isinstance(pair, NumberPair) else None,
        wasserstein=pair.wasserstein if isinstance(pair, NumberPair) else None,
        before=_oddities(pair.before),
        now=_oddities(pair.now, unseen=pair.unseen, strange=pair.strange),
        newcomers={} if isinstance(pair, NumberPair) else pair.now.newcomers,
    )


def _beyond_chance(distance: float, then: Counts, now: Counts) -> float:
    """Return the distance less its expectation for equal populations, which is that of a chi-square number.

    Source of the expectation (here for unequal samples): Grosse and others, Physical Review E 65 (2002) 041905.
    """
    cells = np.count_nonzero(then + now)
    chance = (cells - 1) / (8 * math.log(2)) * (1 / max(1, int(then.sum())) + 1 / max(1, int(now.sum())))
    return math.sqrt(max(0.0, distance**2 - chance))


def _oddities(column: Column, *, unseen: int = 0, strange: int = 0) -> Oddities:
    numbers = column if isinstance(column, NumberColumn) else None
    return Oddities(
        rows=column.rows,
        missing=column.missing,
        infinite=numbers.infinite if numbers else 0,
        unreadable=numbers.unreadable if numbers else 0,
        unseen=unseen,
        strange=strange,
        absent=column.absent,
    )
