"""Distances between two samples that are given as counts over the same bins.

``reference`` and ``current`` are counts of at least one bin; their sums may differ. If a sample has no rows, the
statistic is NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = Sequence[int] | npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

SMOOTHING = 0.5
"""Number that is added to every bin of both samples, so that an empty bin gives a finite PSI (Jeffreys' prior)."""


@dataclass(frozen=True, kw_only=True)
class BinnedStatistic:
    """Statistic of the bins. The statistic of the values themselves differs from it by at most ``error``."""

    value: float
    error: float


def shares(counts: Counts) -> Array:
    """Return the counts divided by their sum; NaN where the sum is 0."""
    numbers = np.asarray(counts, dtype=np.float64)
    total = numbers.sum()
    return numbers / total if total else np.full(len(numbers), np.nan)


def psi(reference: Counts, current: Counts) -> float:
    """Return the population stability index in nats.

    It is the sum over bins of (q - p) ln(q / p), with smoothed shares p and q.
    Source: Siddiqi, Credit Risk Scorecards (2006), chapter 8; it is the divergence of Jeffreys, Proc. R. Soc. A 186
    (1946) 453.

    Examples
    --------
    >>> psi([10, 20, 30], [10, 20, 30])
    0.0
    """
    p, q = (shares(np.asarray(counts, dtype=np.float64) + SMOOTHING) for counts in (reference, current))  # type: ignore[arg-type]
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """Return the Jensen-Shannon distance with logarithms to base 2: 0 for equal shares, 1 where no bin has both.

    It is the square root of the mean of both shares' divergences from m = (p + q) / 2, each a sum of p log2(p / m).
    Source: Endres and Schindelin, IEEE Transactions on Information Theory 49 (2003) 1858.

    Examples
    --------
    >>> jensen_shannon([1, 0], [0, 5])
    1.0
    """
    p, q = shares(reference), shares(current)
    if np.isnan(p[0]) or np.isnan(q[0]):
        return float("nan")
    middle = (p + q) / 2
    return float(np.sqrt(max(0.0, (_divergence(p, middle) + _divergence(q, middle)) / 2)))


def _divergence(p: Array, q: Array) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log2(p[some] / q[some])))


def kolmogorov_smirnov(
    reference: Counts, current: Counts, single: npt.NDArray[np.bool_] | None = None
) -> BinnedStatistic:
    """Return the largest difference of the two distribution functions at the ends of the bins.

    Inside a bin the functions can differ by more, by at most the smaller of the bin's two shares. They cannot where
    ``single`` marks a bin that holds one value only. The true distance is never smaller than the value.
    Source: Smirnov, Annals of Mathematical Statistics 19 (1948) 279.
    """
    f, g = np.cumsum(shares(reference)), np.cumsum(shares(current))
    value = float(np.max(np.abs(f - g)))
    before_f, before_g = np.append(0.0, f[:-1]), np.append(0.0, g[:-1])
    inside = np.maximum(f - before_g, g - before_f)
    if single is not None:
        inside = np.where(single, 0.0, inside)
    return BinnedStatistic(value=value, error=max(0.0, float(np.max(inside)) - value))


def wasserstein(reference: Counts, current: Counts, ends: Array) -> BinnedStatistic:
    """Return the area between the two distribution functions, in the unit of ``ends``.

    ``ends`` are the n + 1 ends of n bins, ascending. Values count as spread evenly over their bin; the error is the
    largest change that another spread can make. A bin whose two ends are equal holds one value and adds no error.
    Source: Vallender, Theory of Probability and its Applications 18 (1974) 784.
    """
    p, q = shares(reference), shares(current)
    gap = np.append(0.0, np.cumsum(p - q))
    left, right, width = gap[:-1], gap[1:], np.diff(ends)
    crossing = left * right < 0
    # Between its ends the gap is a straight line: a trapezium, or two triangles where it crosses zero.
    area = np.abs(left + right) / 2
    area[crossing] = ((left**2 + right**2) / (2 * (np.abs(left) + np.abs(right)) + ~crossing))[crossing]
    return BinnedStatistic(value=float(area @ width), error=float((p + q) @ width))


def chi_square(reference: Counts, current: Counts) -> tuple[float, int]:
    """Return Pearson's statistic of homogeneity of the 2 x n table, and its degrees of freedom.

    Bins that are empty in both samples are left out.
    Source: Pearson, Philosophical Magazine 50 (1900) 157.
    """
    observed, expected = _table(reference, current)
    if observed.shape[1] < 2:
        return 0.0, 0
    return float(np.sum((observed - expected) ** 2 / expected)), observed.shape[1] - 1


def likelihood_ratio(reference: Counts, current: Counts) -> tuple[float, int]:
    """Return the G statistic of the same table with Williams' correction, and its degrees of freedom.

    Decisions over many columns are made far out in the tail. There its chi-square approximation for small counts is
    better than Pearson's by orders of magnitude.
    Source: Wilks, Annals of Mathematical Statistics 6 (1935) 190; Williams, Biometrika 63 (1976) 33.
    """
    observed, expected = _table(reference, current)
    degrees = observed.shape[1] - 1
    if degrees < 1:
        return 0.0, 0
    ratio = np.log(np.where(observed > 0, observed, 1.0) / expected)
    statistic = 2 * float(np.sum(np.where(observed > 0, observed * ratio, 0.0)))
    rows, columns, total = observed.sum(axis=1), observed.sum(axis=0), observed.sum()
    correction = 1 + (total * np.sum(1 / rows) - 1) * (total * np.sum(1 / columns) - 1) / (6 * total * degrees)
    return max(0.0, statistic / float(correction)), degrees


def _table(reference: Counts, current: Counts) -> tuple[Array, Array]:
    """Return observed and expected counts, 2 x n, of the bins that are not empty in both samples."""
    observed = np.array([reference, current], dtype=np.float64)
    observed = observed[:, observed.sum(axis=0) > 0]
    rows = observed.sum(axis=1, keepdims=True)
    if not rows.all():
        return observed[:, :0], observed[:, :0]
    return observed, rows * observed.sum(axis=0, keepdims=True) / observed.sum()
