"""p-values: the probability of a difference between two samples of one population, without scipy."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

TERMS = 10_000
"""Largest number of terms of a series."""
SMALL = 1e-300
"""Smallest absolute number that is divided by."""
PRECISION = 1e-16
"""Relative size of a term at which a series ends."""

Array = npt.NDArray[np.float64]


def chi_square_survival(statistic: float, degrees: int) -> float:
    """Return the probability that chi-square with so many degrees of freedom exceeds the statistic.

    It is the regularised upper incomplete gamma function Q(degrees / 2, statistic / 2), computed by its series where
    statistic / 2 is below degrees / 2 + 1, and by Lentz's continued fraction above.
    Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964),
    6.5.29 and 6.5.31; Thompson and Barnett, Journal of Computational Physics 64 (1986) 490.
    """
    if degrees < 1 or statistic < SMALL:
        return 1.0
    if math.isinf(statistic):
        return 0.0
    a, x = degrees / 2, statistic / 2
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, TERMS):
            term *= x / (a + n)
            total += term
            if term < total * PRECISION:
                break
        return max(0.0, 1 - scale * total)
    b = x + 1 - a
    c, d = 1 / SMALL, 1 / b
    fraction = d
    for n in range(1, TERMS):
        numerator = -n * (n - a)
        b += 2
        d = 1 / _away_from_zero(numerator * d + b)
        c = _away_from_zero(b + numerator / c)
        fraction *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return scale * fraction


def _away_from_zero(value: float) -> float:
    return value if abs(value) > SMALL else SMALL


def normal_survival(z: float) -> float:
    """Return the probability that a standard normal number is further from zero than z, on either side."""
    return math.erfc(abs(z) / math.sqrt(2))


def kolmogorov_survival(distance: float, reference: int, current: int) -> float:
    """Return the probability of a two-sample Kolmogorov-Smirnov distance at least so large, for samples of these sizes.

    It is the limiting distribution with a correction for small samples; for binned or discrete values the true
    probability is smaller. Source: Stephens, Journal of the Royal Statistical Society B 32 (1970) 115.
    """
    if not reference or not current or distance <= 0:
        return 1.0
    root = math.sqrt(reference / (reference + current) * current)
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.3:
        return 1.0
    k = np.arange(1, 101)
    return float(min(1.0, max(0.0, 2 * np.sum((-1.0) ** (k - 1) * np.exp(-2 * (k * x) ** 2)))))


def excess(hits: int, rows: int, reference_hits: int, reference_rows: int) -> float:
    """Return the probability of at least ``hits`` hits among ``rows``, given the hits of both samples together.

    It is the upper tail of the hypergeometric distribution, exact for any counts. It is 1 where the hits are no more
    than expected.
    Source: Fisher, Statistical Methods for Research Workers, fifth edition (1934), section 21.02.
    """
    marked, total = hits + reference_hits, rows + reference_rows
    if not rows or not reference_rows or hits * total <= marked * rows:
        return 1.0
    first = _log_choose(marked, hits) + _log_choose(total - marked, rows - hits) - _log_choose(total, rows)
    k = np.arange(hits, min(marked, rows, hits + TERMS), dtype=np.float64)
    return _sum_from(first, (marked - k) * (rows - k) / ((k + 1) * (total - marked - rows + k + 1)))


def change(hits: int, rows: int, reference_hits: int, reference_rows: int) -> float:
    """Return the probability of a share of hits at least so far from the reference's: twice the smaller tail."""
    more = excess(hits, rows, reference_hits, reference_rows)
    fewer = excess(rows - hits, rows, reference_rows - reference_hits, reference_rows)
    return min(1.0, 2 * min(more, fewer))


def novelty(hits: int, rows: int, once: int, reference_rows: int) -> float:
    """Return the probability of at least ``hits`` rows of values that are new to the reference.

    ``once`` is the number of the reference's values that occur once. If the rows could as well have come in another
    order, only the sizes decide whether a value that occurs once is in the reference or in the window: the count is
    negative binomial. For a continuous column the smallest and largest value bound the values that the reference had;
    this is as if one value came once.
    Source: Good, Biometrika 40 (1953) 237, for the share of unseen values; Wilks, Annals of Mathematical Statistics 13
    (1942) 400, for ranges.
    """
    trials, share = hits + once, rows / max(1, rows + reference_rows)
    if not hits or not rows or hits <= trials * share:
        return 1.0
    first = _log_choose(trials, hits) + hits * math.log(share) + once * math.log1p(-share) if share < 1 else 0.0
    k = np.arange(hits, min(trials, hits + TERMS), dtype=np.float64)
    return _sum_from(first, (trials - k) / (k + 1) * (share / (1 - share)))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _sum_from(log_first: float, ratios: Array) -> float:
    """Return the sum of terms, given the first one's logarithm and each other one's ratio to its predecessor."""
    return float(min(1.0, math.exp(min(0.0, log_first)) * (1 + np.sum(np.cumprod(ratios)))))


def false_discovery_rates(p_values: Sequence[float]) -> list[float]:
    """Return for each p-value the lowest false discovery rate at which its hypothesis is rejected.

    Where nothing has changed, the probability of any rejection at rate q is q.
    Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289; for dependent columns,
    Benjamini and Yekutieli, Annals of Statistics 29 (2001) 1165.
    """
    order = np.argsort(p_values)
    count = len(order)
    rates = np.asarray(p_values, dtype=np.float64)[order] * count / np.arange(1, count + 1)
    lowest = np.minimum.accumulate(rates[::-1])[::-1]
    found = np.empty(count)
    found[order] = np.minimum(lowest, 1.0)
    return [float(rate) for rate in found]
