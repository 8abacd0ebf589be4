"""The p-values agree with scipy's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipelines.statistics import significance


@given(st.floats(0, 5000), st.integers(1, 2000))
def test_chi_square_is_scipys(statistic: float, degrees: int) -> None:
    true = stats.chi2.sf(statistic, degrees)
    found = significance.chi_square_survival(statistic, degrees)
    assert math.isclose(found, true, rel_tol=1e-10, abs_tol=1e-14)


@pytest.mark.parametrize(("statistic", "degrees"), [(0.0, 3), (-1.0, 3), (1.0, 0)])
def test_statistic_of_zero_has_a_p_value_of_1(statistic: float, degrees: int) -> None:
    assert significance.chi_square_survival(statistic, degrees) == 1


@given(st.floats(-30, 30))
def test_normal_is_scipys(z: float) -> None:
    assert math.isclose(significance.normal_survival(z), 2 * stats.norm.sf(abs(z)), rel_tol=1e-10)


@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, 4000), st.integers(1, 4000))
def test_excess_is_the_hypergeometric_tail(hits: int, rows: int, reference_hits: int, reference_rows: int) -> None:
    hits, reference_hits = min(hits, rows), min(reference_hits, reference_rows)
    found = significance.excess(hits, rows, reference_hits, reference_rows)
    total, marked = rows + reference_rows, hits + reference_hits
    if hits * total <= marked * rows:
        assert found == 1
    else:
        assert math.isclose(found, stats.hypergeom.sf(hits - 1, total, marked, rows), rel_tol=1e-8, abs_tol=1e-300)


def test_excess_of_many_rows_is_the_whole_tail() -> None:
    found = significance.excess(505_000, 1_000_000, 500_000, 1_000_000)
    assert math.isclose(found, stats.hypergeom.sf(504_999, 2_000_000, 1_005_000, 1_000_000), rel_tol=1e-6)
    assert significance.excess(500_010, 1_000_000, 500_000, 1_000_000) == pytest.approx(0.49, abs=0.02)


@given(st.integers(1, 300), st.integers(1, 3000), st.integers(1, 200), st.integers(1, 100_000))
def test_novelty_is_the_binomial_tail(hits: int, rows: int, once: int, reference_rows: int) -> None:
    share = rows / (rows + reference_rows)
    found = significance.novelty(hits, rows, once, reference_rows)
    if hits <= (hits + once) * share:
        assert found == 1
    else:
        true = stats.binom.sf(hits - 1, hits + once, share)
        # Near the smallest float scipy itself is wrong: by 3e-7 at 7e-294 (hits 104 of 69 rows, once 18, 72576 rows).
        assert math.isclose(found, true, rel_tol=1e-8, abs_tol=1e-200)


@given(st.floats(0.01, 1), st.integers(20, 5000), st.integers(20, 5000))
def test_kolmogorov_is_at_most_the_limit_and_not_far_below(distance: float, reference: int, current: int) -> None:
    limit = stats.kstwobign.sf(math.sqrt(reference * current / (reference + current)) * distance)
    found = significance.kolmogorov_survival(distance, reference, current)
    assert found <= limit + 1e-5, "the correction takes into account that samples are small"
    assert found >= limit**1.5 * 0.3


def test_false_discovery_rates_are_scipys() -> None:
    p_values = [0.01, 0.5, 0.0001, 0.02, 1.0, 0.02]
    assert significance.false_discovery_rates(p_values) == pytest.approx(stats.false_discovery_control(p_values))
    assert significance.false_discovery_rates([]) == []
