"""Profiles add up, and drift is seen where it is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contract.settings import Drift
from pipelines.monitoring.drift import DRIFT, STABLE, decide, psi
from pipelines.monitoring.profile import LayoutMismatchError, Profile, baseline
from pipelines.monitoring.report import render

RULES = Drift(window_hours=1, min_rows=100, psi_threshold=0.2, min_columns=1)
RANDOM = np.random.default_rng(0)
REFERENCE = baseline(
    {
        "number": RANDOM.normal(0, 1, 5000),
        "constant": np.full(5000, 3.0),
        "letter": RANDOM.choice(list("abc"), 5000),
    },
    categorical=["letter"],
)

values = st.one_of(st.none(), st.floats(), st.sampled_from(["", "1.5", "text", "nan", "inf", "-2", "a", "z"]))
chunks = st.lists(st.lists(values, min_size=1, max_size=20), min_size=1, max_size=6)


def profile_of(*columns: list[object]) -> Profile:
    profile = REFERENCE.empty()
    for column in columns:
        profile.add(len(column), {"number": column, "letter": column})
    return profile


@given(chunks)
def test_merging_equals_one_pass(parts: list[list[object]]) -> None:
    once = profile_of([value for part in parts for value in part])
    merged = REFERENCE.empty()
    for part in parts:
        merged = profile_of(part).merge(merged)
    assert merged == once == profile_of(*reversed(parts))
    assert all(column.rows == once.rows for column in once.columns.values()), "every row is counted in every column"
    assert Profile.from_document(once.to_document()) == once


def test_other_layouts_do_not_merge() -> None:
    with pytest.raises(LayoutMismatchError, match="number"):
        REFERENCE.merge(baseline({"number": [1.0, 2.0], "constant": [3.0], "letter": ["a"]}, categorical=["letter"]))


def window(**columns: object) -> Profile:
    table = {
        "number": RANDOM.normal(0, 1, 1000),
        "constant": np.full(1000, 3.0),
        "letter": RANDOM.choice(list("abc"), 1000),
        **columns,
    }
    profile = REFERENCE.empty()
    profile.add(1000, table)  # type: ignore[arg-type]
    return profile


def outcome(profile: Profile) -> tuple[str, list[str]]:
    decision = decide(REFERENCE, profile, RULES, records=1, corrupt=0)
    return decision.outcome, [column["name"] for column in decision.worst]


def test_like_windows_are_stable() -> None:
    assert outcome(window()) == (STABLE, [])


def test_one_outlier_neither_alarms_nor_hides_a_shift() -> None:
    numbers = RANDOM.normal(0, 1, 1000)
    numbers[0] = 1e9
    assert outcome(window(number=numbers)) == (STABLE, [])
    shifted = RANDOM.normal(1, 1, 1000)
    shifted[0] = 1e9
    assert outcome(window(number=shifted)) == (DRIFT, ["number"])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("number", np.where(np.arange(1000) % 2, np.nan, 0.1 * RANDOM.normal(0, 1, 1000))),
        ("number", np.full(1000, np.nan)),
        ("number", RANDOM.normal(0, 1, 1000) * 1000),
        ("number", np.where(np.arange(1000) % 3, RANDOM.normal(0, 1, 1000), np.inf)),
        ("constant", np.where(np.arange(1000) % 10, 3.0, 3.1)),
        ("letter", ["new"] * 300 + ["a"] * 350 + ["b"] * 350),
        ("letter", [None] * 1000),
    ],
)
def test_shift_is_found_and_named(name: str, column: object) -> None:
    assert outcome(window(**{name: column})) == (DRIFT, [name])


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=20))
def test_psi_is_finite_and_zero_for_equal_counts(pairs: list[tuple[int, int]]) -> None:
    one, two = [a for a, _ in pairs], [b for _, b in pairs]
    assert math.isfinite(psi(one, two))
    assert psi(one, two) >= 0
    assert psi(one, one) == 0


def test_report_escapes_everything() -> None:
    evil = "<script>alert(1)</script>"
    reference = baseline({evil: [1.0, 2.0, 3.0] * 100}, categorical=[])
    current = reference.empty()
    current.add(300, {evil: [9.0] * 300})
    decision = decide(reference, current, RULES, records=1, corrupt=0)
    page = render(decision, {"model": evil, "version": "=cmd()", "file": evil}, 0.2)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
