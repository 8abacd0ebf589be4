"""Evidence that a column changed: several tests of one column, combined into one p-value.

Each test detects changes that another cannot. All use counts and ranks, so a single huge value counts as one row.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from pipelines.statistics import distances as statistics
from pipelines.statistics.pair import CategoryPair, NumberPair, Pair
from pipelines.statistics.significance import change, chi_square_survival, kolmogorov_survival, normal_survival, novelty

Counts = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

MAX_SKEW, MAX_KURTOSIS = 0.05, 0.045
"""Largest skewness and excess kurtosis of a mean of scores for which the normal tail is used.

Beyond them the normal tail at 4.4 standard deviations is wrong by more than a factor of 2.
"""
MIN_HITS = 2
"""Smallest number of rows that is evidence: a single row is none."""


def strongest(p_values: Mapping[str, float]) -> tuple[str, float]:
    """Return the test with the smallest p-value, and the p-value of all tests together.

    Source: Simes, Biometrika 73 (1986) 751; it holds for tests that tend to agree, as Sarkar, Annals of Statistics 26
    (1998) 494, shows.

    Examples
    --------
    >>> strongest({"shape": 0.04, "missing": 0.01, "spike": 0.9})
    ('missing', 0.03)
    """
    if not p_values:
        return "", 1.0
    ordered = sorted(p_values, key=lambda test: p_values[test])
    together = min(p_values[test] * len(ordered) / rank for rank, test in enumerate(ordered, 1))
    return ordered[0], min(1.0, together)


def tests_of(pair: Pair) -> Iterator[tuple[str, float]]:
    """Yield the name and p-value of each test that applies to the column."""
    then, now = pair.then_bins, pair.now_bins
    reference_rows, rows = int(then.sum()), int(now.sum())
    if reference_rows and rows and np.count_nonzero(then + now) > 1:
        yield from _of_numbers(pair, reference_rows, rows) if isinstance(pair, NumberPair) else _of_categories(pair)
    readable = rows if isinstance(pair, NumberPair) else rows + pair.unseen
    shares = {
        "unseen": of_unseen(pair.unseen, readable, pair.once, reference_rows),
        "missing": of_share(pair.now.missing, pair.now.rows, pair.before.missing, pair.before.rows),
    }
    if isinstance(pair, NumberPair):
        before, after = pair.before, pair.now
        shares["infinite"] = of_share(after.infinite, after.rows, before.infinite, before.rows)
        shares["unreadable"] = of_share(after.unreadable, after.rows, before.unreadable, before.rows)
    yield from ((name, p_value) for name, p_value in shares.items() if p_value is not None)


def _of_numbers(pair: NumberPair, reference_rows: int, rows: int) -> Iterator[tuple[str, float]]:
    then, now = pair.then_bins, pair.now_bins
    if pair.kolmogorov_smirnov:
        yield "shape", kolmogorov_survival(pair.kolmogorov_smirnov.value, reference_rows, rows)
    for name, z in zip(("location", "spread"), _rank_scores(then, now), strict=False):
        if z is not None:
            yield name, normal_survival(z)
    yield "shares", chi_square_survival(*statistics.likelihood_ratio(*pair.cells))
    yield "spike", _largest_change(then, now)


def _of_categories(pair: CategoryPair) -> Iterator[tuple[str, float]]:
    if np.count_nonzero(pair.cells[0] + pair.cells[1]) > 2:
        yield "shares", chi_square_survival(*statistics.likelihood_ratio(*pair.cells))
    yield "category", _largest_change(pair.then_bins, pair.now_bins)


def of_share(hits: int, rows: int, reference_hits: int, reference_rows: int) -> float | None:
    """Return the p-value of the share of one sort of rows, such as missing ones; None where no sample has any."""
    if not hits + reference_hits:
        return None
    p_value = change(hits, rows, reference_hits, reference_rows)
    return p_value if max(hits, reference_hits) >= MIN_HITS else 1.0


def of_unseen(hits: int, rows: int, once: int, reference_rows: int) -> float | None:
    """Return the p-value of values that the reference never had; None where there are none."""
    if not hits:
        return None
    return novelty(hits, rows, once, reference_rows) if hits >= MIN_HITS else 1.0


def _rank_scores(reference: Counts, current: Counts) -> list[float | None]:
    """Return the standard scores of the difference in mean rank and in mean squared rank.

    A score is None where the normal tail does not hold. Ties have their middle rank; the squared rank is made
    orthogonal to the rank. Under exchange of rows both scores have mean 0 and variance 1.
    Source: Wilcoxon, Biometrics Bulletin 1 (1945) 80; Mood, Annals of Mathematical Statistics 25 (1954) 514; Neyman,
    Skandinavisk Aktuarietidskrift 20 (1937) 149, for orthogonal components.
    """
    both = (reference + current).astype(np.float64)
    total, rows, reference_rows = both.sum(), current.sum(), reference.sum()
    weights = both / total
    ranks = np.cumsum(weights) - weights / 2 - 0.5
    scale = math.sqrt(rows / total * reference_rows * (total - 1) / total)
    found: list[float | None] = []
    basis = [np.ones(len(ranks))]
    smaller = min(rows, reference_rows)
    for powers in (ranks, ranks**2):
        free = powers - sum(((weights @ (powers * other)) * other for other in basis), np.zeros(len(ranks)))
        variance = float(weights @ free**2)
        if variance < 1e-12:
            break
        scores = free / math.sqrt(variance)
        basis.append(scores)
        skew = abs(float(weights @ scores**3)) / math.sqrt(smaller)
        kurtosis = (float(weights @ scores**4) - 3) / smaller
        difference = statistics.shares(current) @ scores - statistics.shares(reference) @ scores
        found.append(scale * float(difference) if skew <= MAX_SKEW and kurtosis <= MAX_KURTOSIS else None)
    return found


def _largest_change(reference: Counts, current: Counts) -> float:
    """Return the p-value of the bin whose share changed least probably, times the number of bins."""
    rows, reference_rows = int(current.sum()), int(reference.sum())
    both = (reference + current).astype(np.float64)
    some = both > 0
    expected = both[some] * rows / (rows + reference_rows)
    observed = current[some].astype(np.float64)
    # The likelihood ratio ranks the bins as their exact probability does.
    surprise = _relative(observed, expected) + _relative(both[some] - observed, both[some] - expected)
    surprise += _relative(rows - observed, rows - expected)
    largest = int(np.flatnonzero(some)[np.argmax(surprise)])
    if max(current[largest], reference[largest]) < MIN_HITS:
        return 1.0
    p_value = change(int(current[largest]), rows, int(reference[largest]), reference_rows)
    return min(1.0, p_value * int(some.sum()))


def _relative(observed: Array, expected: Array) -> Array:
    logarithm = np.log(np.where(observed > 0, observed, 1) / np.maximum(expected, 1e-300))
    return np.where(observed > 0, observed * logarithm, 0)
