"""How a window of traffic differs from the reference, column by column: distances, and whether they are chance."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.monitoring import evidence, statistics
from pipelines.monitoring.category_column import CategoryColumn
from pipelines.monitoring.cells import category_cells, gathered, number_cells
from pipelines.monitoring.number_column import NumberColumn
from pipelines.monitoring.profile import Column, Profile, check_layout
from pipelines.monitoring.significance import chi_square_survival, false_discovery_rates
from pipelines.monitoring.statistics import Binned

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Oddities:
    """How many of a column's rows are no ordinary value.

    ``unseen`` ones are values that the reference never had: unlisted categories, numbers outside its range, and for a
    discrete column numbers between its values. ``strange`` are those of them that are not near its range.
    ``unreadable`` ones are of another type. ``absent`` rows came without the column at all; they are among the missing
    ones.
    """

    rows: int
    missing: int = 0
    infinite: int = 0
    unreadable: int = 0
    unseen: int = 0
    strange: int = 0
    absent: int = 0

    def share(self, of: str) -> float:
        """Of the rows; ``of`` is one of the names above."""
        return float(getattr(self, of) / self.rows) if self.rows else 0.0


@dataclass(frozen=True, kw_only=True)
class ColumnComparison:
    """One column; all distances are 0 for equal shares.

    ``effect`` is how much changed, from 0 to 1: the Jensen-Shannon distance less what chance alone makes of samples of
    these sizes. ``p_value`` is of all tests of this column together, ``evidence`` the test that saw most, and ``rate``
    the false discovery rate at which the column stands out among all of them. ``psi`` and ``jensen_shannon`` are over
    at most 20 cells of numbers, or categories of which enough rows are expected, and over what is missing, infinite,
    unreadable and unseen; ``chi_square`` over the former alone. ``kolmogorov_smirnov`` and ``wasserstein`` (in standard
    deviations of the reference) are over all bins of numbers; None for categories and where one sample is empty.
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
    kolmogorov_smirnov: Binned | None
    wasserstein: Binned | None
    before: Oddities
    now: Oddities
    newcomers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Columns are in the reference's order. ``unexpected`` are some columns of the window that the reference lacks."""

    reference_rows: int
    rows: int
    columns: list[ColumnComparison]
    unexpected: dict[str, int]

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def compare(baseline: Profile, current: Profile) -> Comparison:
    """Every column of the reference's profile against the window's.

    Raises
    ------
    LayoutMismatchError
        The window was not counted on the reference's layout.
    """
    check_layout(baseline, current)
    tested = {
        name: evidence.strongest(dict(_tests(reference, current.columns[name])))
        for name, reference in baseline.columns.items()
    }
    rates = false_discovery_rates([p_value for _, p_value in tested.values()])
    columns = [
        _compared(name, reference, current.columns[name], *tested[name], rate)
        for (name, reference), rate in zip(baseline.columns.items(), rates, strict=True)
    ]
    return Comparison(
        reference_rows=baseline.rows, rows=current.rows, columns=columns, unexpected=dict(current.unexpected)
    )


def _tests(reference: Column, column: Column) -> Iterator[tuple[str, float]]:
    rows, reference_rows = column.rows, reference.rows
    then, now = _bins(reference), _bins(column)
    yield from (evidence.of_numbers if isinstance(reference, NumberColumn) else evidence.of_categories)(then, now)
    once = _once(reference)
    readable, reference_readable = int(now.sum()), int(then.sum())
    unseen = _unseen(reference, column)
    if isinstance(column, CategoryColumn):
        readable += unseen
    shares = {
        "missing": evidence.of_share(column.missing, rows, reference.missing, reference_rows),
        "unseen": evidence.of_unseen(unseen, readable, once, reference_readable),
    }
    if isinstance(reference, NumberColumn) and isinstance(column, NumberColumn):
        for name in ("infinite", "unreadable"):
            hits, reference_hits = getattr(column, name), getattr(reference, name)
            shares[name] = evidence.of_share(hits, rows, reference_hits, reference_rows)
    for name, p_value in shares.items():
        if p_value is not None:
            yield name, p_value


def _bins(column: Column) -> Counts:
    """Counts of numbers by bin, or of categories, those that are not listed as one."""
    return column.counts if isinstance(column, NumberColumn) else np.append(column.counts, column.other)


def _once(reference: Column) -> int:
    """How many values the reference had once only."""
    if isinstance(reference, CategoryColumn) or reference.discrete:
        return max(1, int(np.count_nonzero(reference.counts == 1)))
    return 1


def _unseen(reference: Column, column: Column) -> int:
    if isinstance(column, CategoryColumn):
        return column.unseen
    return int(column.counts[reference.counts == 0].sum())


def _strange(reference: Column, column: Column) -> int:
    if isinstance(column, CategoryColumn):
        return column.unseen
    return int(column.counts[_is_strange(_bins(reference))].sum())


def _is_strange(reference: Counts) -> npt.NDArray[np.bool_]:
    """Which bins are empty in the reference, but for those next to its range."""
    empty: npt.NDArray[np.bool_] = np.equal(reference, 0)
    some = np.flatnonzero(~empty)
    if len(some):
        empty[[max(0, some[0] - 1), min(len(empty) - 1, some[-1] + 1)]] = False
        empty[[0, -1]] = reference[[0, -1]] == 0
    return empty


def _compared(name: str, reference: Column, column: Column, test: str, p_value: float, rate: float) -> ColumnComparison:
    cells = _cells(reference, column)
    all_then, all_now = _all_cells(reference, reference, cells), _all_cells(reference, column, cells)
    then, now = gathered(cells, _bins(reference)), gathered(cells, _bins(column))
    statistic, degrees = statistics.chi_square(then, now)
    distances = _distances(reference, column)
    jensen_shannon = statistics.jensen_shannon(all_then, all_now) if all_now.sum() and all_then.sum() else 0.0
    return ColumnComparison(
        name=name,
        kind=reference.kind if isinstance(reference, NumberColumn) else "category",
        effect=_beyond_chance(jensen_shannon, all_then, all_now),
        p_value=p_value,
        rate=rate,
        evidence=test,
        psi=statistics.psi(all_then, all_now),
        jensen_shannon=jensen_shannon,
        chi_square=statistic,
        degrees=degrees,
        chi_square_p_value=chi_square_survival(statistic, degrees),
        kolmogorov_smirnov=distances[0] if distances else None,
        wasserstein=distances[1] if distances else None,
        before=_oddities(reference, reference),
        now=_oddities(reference, column),
        newcomers=column.newcomers if isinstance(column, CategoryColumn) else {},
    )


def _cells(reference: Column, column: Column) -> npt.NDArray[np.int64]:
    return (number_cells if isinstance(reference, NumberColumn) else category_cells)(_bins(reference), _bins(column))


def _all_cells(reference: Column, column: Column, cells: npt.NDArray[np.int64]) -> Counts:
    """All of a column's rows as cells; what is far from all that the reference had is a cell of its own."""
    counts = _bins(column)
    rest = [_strange(reference, column), column.missing]
    if isinstance(reference, NumberColumn) and isinstance(column, NumberColumn):
        counts = np.where(_is_strange(reference.counts), 0, counts)
        rest += [column.infinite, column.unreadable]
    return np.append(gathered(cells, counts), np.array(rest, np.int64))


def _beyond_chance(distance: float, then: Counts, now: Counts) -> float:
    """The distance less its expectation for equal populations, which is that of a chi-square number.

    Source: Grosse and others, Physical Review E 65 (2002) 041905, for the expectation (here of unequal samples).
    """
    cells = np.count_nonzero(then + now)
    chance = (cells - 1) / (8 * np.log(2)) * (1 / max(1, then.sum()) + 1 / max(1, now.sum()))
    return float(np.sqrt(max(0.0, distance**2 - chance)))


def _distances(reference: Column, column: Column) -> tuple[Binned, Binned | None] | None:
    if not isinstance(reference, NumberColumn) or not isinstance(column, NumberColumn):
        return None
    then, now, edges = reference.counts, column.counts, reference.edges
    if not then.sum() or not now.sum() or not len(edges):
        return None
    single = np.concatenate(([False], edges[1:] == np.nextafter(edges[:-1], np.inf), [False]))
    ks = statistics.kolmogorov_smirnov(then, now, single)
    if not reference.sums.deviation or not np.isfinite(reference.sums.deviation):
        return ks, None
    lows = [low for low in (reference.sums.low, column.sums.low) if low is not None]
    highs = [high for high in (reference.sums.high, column.sums.high) if high is not None]
    ends = np.concatenate(([min([*lows, edges[0]])], edges, [max([*highs, edges[-1]])]))
    area = statistics.wasserstein(then, now, ends / reference.sums.deviation)
    return ks, area if np.isfinite([area.value, area.error]).all() else None


def _oddities(reference: Column, column: Column) -> Oddities:
    numbers = column if isinstance(column, NumberColumn) else None
    return Oddities(
        rows=column.rows,
        missing=column.missing,
        infinite=numbers.infinite if numbers else 0,
        unreadable=numbers.unreadable if numbers else 0,
        unseen=_unseen(reference, column),
        strange=_strange(reference, column),
        absent=column.absent,
    )
