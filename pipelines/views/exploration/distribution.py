"""How numbers are distributed: quantiles, and a histogram that a few far values cannot flatten."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 40
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FENCE = 3.0
"""What lies further from the quartiles than so many interquartile ranges is not drawn, but counted (Tukey 1977)."""


LARGEST_WHOLE = 2**52
"""Below it the halves between whole numbers are exact."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Of finite values. ``quantiles`` are those of ``QUANTILES``; ``lowest``, ``highest``: two values each."""

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
    def interquartile_range(self) -> float:
        return self.quantiles[4] - self.quantiles[2]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """``edges`` has one more than ``counts``; ``below`` and ``above`` lie outside of them.

    Of whole numbers the edges lie halfway between them.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int
    above: int


def describe(values: npt.NDArray[np.float64]) -> Numbers | None:
    """NaN is missing; None if nothing is finite."""
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
    """Bars of one width, between Tukey's outer fences; of whole numbers each bar holds the same number of them."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    first, third = np.quantile(finite, (0.25, 0.75))
    reach = FENCE * (third - first) or np.inf
    inner = finite[(finite >= first - reach) & (finite <= third + reach)]
    low, high = float(inner.min()), float(inner.max())
    if low == high:
        # A half would be lost beside a large number.
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
