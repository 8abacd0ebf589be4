"""The distances of binned columns agree with scipy's of the values, within their stated error."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from pipelines.models import flights
from pipelines.statistics import distances as statistics
from pipelines.statistics.category_column import CategoryColumn
from pipelines.statistics.comparison import ColumnComparison, compare
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.profile import Profile

Array = npt.NDArray[np.float64]
RANDOM = np.random.default_rng(0)

pairs = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=20)


def numbers() -> dict[str, tuple[Array, Array]]:
    january, july = flights.month_rows(1), flights.month_rows(7)
    real = {
        name: (january[name].dropna().to_numpy(np.float64), july[name].dropna().to_numpy(np.float64))
        for name in ("temp", "wind_speed", "distance", "departure_minute", "pressure", "precip")
    }
    return {
        "normal, shifted": (RANDOM.normal(size=20_000), RANDOM.normal(0.25, size=5000)),
        "normal, wider": (RANDOM.normal(size=20_000), RANDOM.normal(0, 3, size=5000)),
        "exponential": (RANDOM.exponential(size=20_000), RANDOM.exponential(size=300)),
        "heavy-tailed": (RANDOM.standard_t(2, size=20_000), RANDOM.standard_t(3, size=5000)),
        "half zeros": (RANDOM.normal(size=20_000).clip(0), RANDOM.normal(0.3, size=5000).clip(0)),
        "far away": (RANDOM.normal(size=20_000), RANDOM.normal(1e6, size=5000)),
        "few": (RANDOM.normal(size=300), RANDOM.normal(size=40)),
        **real,
    }


NUMBERS = numbers()
VALUES = {
    "dice": (RANDOM.integers(1, 7, 5000).astype(float), RANDOM.integers(1, 7, 700).astype(float)),
    "loaded": (RANDOM.integers(1, 7, 5000).astype(float), RANDOM.integers(3, 7, 700).astype(float)),
    "day of week": tuple(flights.month_rows(month).day_of_week.to_numpy(np.float64) for month in (1, 7)),
}


def compared(reference: Any, current: Any, **kinds: Any) -> tuple[ColumnComparison, Any, Any]:
    profile = Profile.of([{"x": reference}], **kinds)
    window = Profile.of([{"x": current}], like=profile)
    return compare(profile, window).columns[0], profile.columns["x"], window.columns["x"]


@pytest.mark.parametrize("name", NUMBERS)
def test_kolmogorov_smirnov_is_scipys_within_its_error(name: str) -> None:
    reference, current = NUMBERS[name]
    found = compared(reference, current)[0].kolmogorov_smirnov
    true = stats.ks_2samp(reference, current).statistic
    assert found
    assert found.value - 1e-12 <= true <= found.value + found.error + 1e-12
    assert true - found.value <= 0.005
    assert found.error <= 0.005


@pytest.mark.parametrize("name", NUMBERS)
def test_wasserstein_is_scipys_within_its_error(name: str) -> None:
    reference, current = NUMBERS[name]
    found = compared(reference, current)[0].wasserstein
    true = stats.wasserstein_distance(reference, current) / np.std(reference)
    assert found
    assert abs(found.value - true) <= found.error + 1e-9 * true
    if current.min() >= reference.min() and current.max() <= reference.max() and abs(stats.kurtosis(reference)) < 10:
        assert abs(found.value - true) <= 0.01, "beyond the range, and in long tails, the stated error is larger"


@pytest.mark.parametrize("name", VALUES)
def test_both_distances_are_exact_where_each_value_is_a_bin(name: str) -> None:
    reference, current = VALUES[name]
    found = compared(reference, current)[0]
    assert found.kolmogorov_smirnov
    assert found.wasserstein
    assert found.kolmogorov_smirnov.error == 0
    assert abs(found.kolmogorov_smirnov.value - stats.ks_2samp(reference, current).statistic) < 1e-12
    true = stats.wasserstein_distance(reference, current) / np.std(reference)
    assert abs(found.wasserstein.value - true) < 1e-12


def test_distances_of_categories_are_exact() -> None:
    one, two = (flights.month_rows(month).carrier.to_numpy() for month in (1, 7))
    reference, current = [value for value in one if value != "OO"], [value for value in two if value != "OO"]
    found, before, now = compared(reference, current, categories=["x"])
    assert isinstance(before, CategoryColumn)
    assert now.unseen == 0
    table = np.array([before.counts, now.counts])
    assert abs(found.jensen_shannon - distance.jensenshannon(table[0], table[1], base=2)) < 1e-12
    true = stats.chi2_contingency(table, correction=False)
    assert found.degrees == true.dof
    assert math.isclose(found.chi_square, true.statistic, rel_tol=1e-12)
    assert math.isclose(found.chi_square_p_value, true.pvalue, rel_tol=1e-8)


@given(pairs)
def test_functions_of_counts_are_scipys(both: list[tuple[int, int]]) -> None:
    one, two = np.array(both).T
    if not one.sum() or not two.sum():
        return
    assert abs(statistics.jensen_shannon(one, two) - np.nan_to_num(distance.jensenshannon(one, two, base=2))) < 1e-7
    assert (
        abs(statistics.jensen_shannon(one, two) ** 2 - np.nan_to_num(distance.jensenshannon(one, two, base=2)) ** 2)
        < 1e-12
    )
    some = one + two > 0
    places = np.arange(len(one))
    assert abs(statistics.kolmogorov_smirnov(one, two).value - ks_of(one, two)) < 1e-12
    apart = [np.insert(counts, slice(1, None), 0) for counts in (one, two)]
    exact = statistics.wasserstein(apart[0], apart[1], np.repeat(places, 2).astype(float))
    assert exact.error == 0
    assert abs(exact.value - stats.wasserstein_distance(places, places, one, two)) < 1e-9
    if some.sum() > 1:
        for ours, theirs in ((statistics.chi_square, "pearson"), (statistics.likelihood_ratio, "log-likelihood")):
            true = stats.chi2_contingency(np.array([one[some], two[some]]), correction=False, lambda_=theirs)
            value, degrees = ours(one, two)
            assert degrees == true.dof
            if theirs == "pearson":
                assert math.isclose(value, true.statistic, rel_tol=1e-12, abs_tol=1e-12)
            else:
                assert value <= true.statistic + 1e-9, "Williams' correction makes it smaller"


def ks_of(one: npt.NDArray[np.int64], two: npt.NDArray[np.int64]) -> float:
    places = np.arange(len(one))
    return float(stats.ks_2samp(np.repeat(places, one), np.repeat(places, two)).statistic)


@given(pairs)
def test_psi_is_finite_and_zero_for_equal_counts(both: list[tuple[int, int]]) -> None:
    one, two = [a for a, _ in both], [b for _, b in both]
    assert math.isfinite(statistics.psi(one, two))
    assert statistics.psi(one, two) >= 0
    assert statistics.psi(one, one) == 0


def test_bins_of_one_value_have_no_error() -> None:
    column = NumberColumn.like([1.0, 1.0, 2.0, 2.0])
    assert column.discrete
    assert statistics.kolmogorov_smirnov([1, 1], [1, 3], np.array([True, True])).error == 0
    assert statistics.kolmogorov_smirnov([1, 1], [1, 3]).error > 0
