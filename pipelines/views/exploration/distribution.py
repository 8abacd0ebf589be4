"""Describes the distribution of numbers: quantiles, and a histogram that a few far values cannot flatten."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 40
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FENCE = 3.0
"""Interquartile ranges from the quartiles beyond which values are counted but not drawn (Tukey 1977)."""
LARGEST_WHOLE = 2**52
"""Whole number below which the halves between whole numbers are exact."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Figures of a column's finite values, and the number of infinite ones.

    ``quantiles`` are those of ``QUANTILES``. ``lowest`` and ``highest`` are two distinct values each, in rising order;
    one if there is no other.
    """

    minimum: float
    maximum: float
    mean: float
    deviation: float
    quantiles: tuple[float, ...]
    zeros: int
    negative: int
    infinite: int
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    @property
    def median(self) -> float:
        return self.quantiles[3]

    @property
    def interquartile_range(self) -> float:
        return self.quantiles[4] - self.quantiles[2]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts between edges. There is one edge more than counts; ``below`` and ``above`` count values outside the edges.

    The edges of whole numbers lie halfway between them.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int
    above: int


def describe(values: npt.NDArray[np.float64]) -> Numbers | None:
    """Return the figures of a column in which NaN is missing; None if no value is finite."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    distinct = np.unique(finite)
    return Numbers(
        minimum=float(distinct[0]),
        maximum=float(distinct[-1]),
        mean=float(finite.mean()),
        deviation=float(finite.std()),
        quantiles=tuple(float(value) for value in np.quantile(finite, QUANTILES)),
        zeros=int((finite == 0).sum()),
        negative=int((finite < 0).sum()),
        infinite=int(np.isinf(values).sum()),
        lowest=tuple(float(value) for value in distinct[:2]),
        highest=tuple(float(value) for value in distinct[-2:]),
    )


def histogram(values: npt.NDArray[np.float64], *, whole: bool) -> Histogram | None:
    """Return counts in bins of one width, between Tukey's outer fences; None if no value is finite.

    With ``whole``, every bin holds equally many whole numbers.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    first, third = np.quantile(finite, (0.25, 0.75))
    reach = FENCE * (third - first) or np.inf
    inner = finite[(finite >= first - reach) & (finite <= third + reach)]
    low, high = float(inner.min()), float(inner.max())
    if low == high:
        # A half added to a large number is rounded away.
        half = max(0.5, abs(low) * 1e-9)
        edges = np.array([low - half, high + half])
    elif whole and max(-low, high) < LARGEST_WHOLE:
        width = max(1.0, np.ceil((high - low + 1) / BINS))
        edges = np.arange(low - 0.5, high + width, width)
    else:
        edges = np.linspace(low, high, BINS + 1)
    counts, _ = np.histogram(inner, bins=edges)
    return Histogram(
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        below=int((finite < low).sum()),
        above=int((finite > high).sum()),
    )
