"""Profiles count every row once, and add up in any order and grouping."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.interface.codec import InvalidRecordError, read, to_json
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.category_column import MAX_CATEGORIES, CategoryColumn
from pipelines.statistics.number_column import BINS, NumberColumn, NumberColumnDocument, edges_of
from pipelines.statistics.profile import LayoutMismatchError, Profile, ProfileDocument, UnknownFormatError
from pipelines.statistics.sums import Sums

RANDOM = np.random.default_rng(0)
REFERENCE = Profile.of(
    [
        {
            "number": RANDOM.normal(0, 1, 5000),
            "constant": np.full(5000, 3.0),
            "letter": RANDOM.choice(list("abc"), 5000),
            "text": np.array(["x" * length for length in RANDOM.integers(0, 9, 5000)], dtype=object),
            "time": ["2026-01-01T00:00:00Z"] * 5000,
        }
    ],
    categories=["letter"],
    texts=["text"],
    times=["time"],
)

values = st.one_of(
    st.none(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["", "1.5", "inf", "-2", "a", "z", True, [1], {"a": 1}, datetime(2026, 1, 1, tzinfo=UTC)]),
)
chunks = st.lists(st.lists(values, min_size=1, max_size=20), min_size=1, max_size=6)


def profile_of(*columns: list[Any]) -> Profile:
    profile = REFERENCE.empty()
    for column in columns:
        table = dict.fromkeys(("number", "letter", "text", "time", "stranger"), column)
        profile.add(len(column), table)
    return profile


def counts(profile: Profile) -> ProfileDocument:
    """Return a profile without the means, which are exact only up to rounding."""
    document = profile.to_document()
    columns = {
        name: replace(column, sums=replace(column.sums, mean=0.0, m2=0.0))
        if isinstance(column, NumberColumnDocument)
        else column
        for name, column in document.columns.items()
    }
    return replace(document, columns=columns)


@given(chunks, st.randoms())
def test_merging_in_any_order_and_grouping_equals_one_pass(parts: list[list[Any]], random: Any) -> None:
    once = profile_of([value for part in parts for value in part])
    pieces = [profile_of(part) for part in parts]
    while len(pieces) > 1:
        random.shuffle(pieces)
        pieces.append(pieces.pop().merge(pieces.pop()))
    assert counts(pieces[0]) == counts(once) == counts(profile_of(*reversed(parts)))
    assert all(column.rows == once.rows for column in once.columns.values()), "every row is counted in every column"


@given(chunks)
def test_profile_survives_json(parts: list[list[Any]]) -> None:
    document = profile_of(*parts).to_document()
    written = json.dumps(to_json(document), allow_nan=False)
    found = read(ProfileDocument, json.loads(written))
    assert found == document
    assert Profile.from_document(found).to_document() == document


@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=30), min_size=1, max_size=5))
def test_moments_merge_to_rounding(parts: list[list[float]]) -> None:
    merged = Sums()
    for part in parts:
        merged += Sums.of(np.sort(np.array(part, dtype=np.float64)))
    numbers = np.array([number for part in parts for number in part])
    assert merged.count == len(numbers)
    if len(numbers):
        assert math.isclose(merged.mean, numbers.mean(), rel_tol=1e-9, abs_tol=1e-6)
        assert math.isclose(merged.deviation, numbers.std(), rel_tol=1e-6, abs_tol=1e-3)
        assert (merged.low, merged.high) == (numbers.min(), numbers.max())


@given(
    st.lists(st.floats(allow_infinity=False, allow_nan=False), min_size=1, max_size=400),
    st.lists(st.floats(), max_size=400),
)
def test_counts_are_those_of_a_histogram_on_the_edges(reference: list[float], current: list[float]) -> None:
    column = NumberColumn.like(reference)
    column.add(np.array(current))
    finite = [number for number in current if math.isfinite(number)]
    expected = np.bincount(np.searchsorted(column.edges, finite, side="right"), minlength=len(column.edges) + 1)
    assert column.counts.tolist() == expected.tolist()
    assert column.infinite == sum(map(math.isinf, current))
    assert column.missing == sum(map(math.isnan, current))
    assert column.zeros == finite.count(0.0)


def test_blocks_of_a_long_column_are_counted_as_one() -> None:
    numbers = np.concatenate((RANDOM.normal(size=100_001), [np.nan, np.inf, -np.inf, 0.0]))
    column = NumberColumn.like(numbers[:1000])
    column.add(numbers)
    finite = numbers[np.isfinite(numbers)]
    expected = np.bincount(np.searchsorted(column.edges, finite, "right"), minlength=len(column.counts))
    assert column.counts.tolist() == expected.tolist()
    assert (column.rows, column.missing, column.infinite, column.zeros) == (100_005, 1, 2, 1)


def test_only_bins_of_frequent_values_hold_more_than_their_quantile() -> None:
    numbers = np.concatenate((np.zeros(5000), RANDOM.standard_cauchy(5000)))
    edges, discrete = edges_of(np.sort(numbers))
    counted = np.bincount(np.searchsorted(edges, numbers, "right"), minlength=len(edges) + 1)
    assert not discrete
    assert counted.max() == counted[np.searchsorted(edges, 0.0, "right")] == 5000
    assert np.sort(counted)[-2] <= len(numbers) // BINS + 1


def test_few_distinct_values_have_a_bin_each_and_values_between_have_others() -> None:
    column = NumberColumn.like([1.0, 2.0, 2.0, 4.0] * 10)
    column.add([1, 2, 3, 4])
    assert column.discrete
    assert sorted(column.counts.tolist(), reverse=True)[:5] == [1, 1, 1, 1, 0]


def test_categories_beyond_the_cap_are_other() -> None:
    names = [f"id {number}" for number in range(MAX_CATEGORIES + 50)]
    column = CategoryColumn.like(names)
    column.add(["id 0", "nobody", "id 1", None, ""])
    assert (len(column.categories), column.complete) == (MAX_CATEGORIES, False)
    assert (column.rows, column.missing, column.unseen) == (5, 2, 0)
    assert column.other >= 1


def test_true_is_not_one_in_any_order() -> None:
    one, two = CategoryColumn.like(["1"]), CategoryColumn.like(["1"])
    one.add([True, 1.0])
    two.add([1, True])
    assert one.to_document() == two.to_document()
    assert (one.counts.tolist(), one.newcomers) == ([1], {"True": 1})


def test_unseen_categories_are_counted_and_sampled() -> None:
    column = CategoryColumn.like(["a", "b"])
    column.add(["a", "new", "new", 3.0, 3])
    assert (column.unseen, column.newcomers) == (4, {"new": 2, "3": 2})


@given(st.lists(st.sampled_from(["a", "b", "new", "", None, 1, 1.0, math.nan]), max_size=30), st.booleans())
def test_an_array_of_categories_is_counted_as_its_values_are(names: list[Any], own: bool) -> None:
    values_ = [str(name) + "!" if own and isinstance(name, str) else name for _ in range(3) for name in names]
    one_by_one, column = (CategoryColumn.like(["a", "b!", "a!"]) for _ in range(2))
    column.add(np.array(values_, dtype=object))
    for value in values_:
        one_by_one.add([value])
    assert column.to_document() == one_by_one.to_document()


def test_text_and_times_are_counted_by_presence_and_length() -> None:
    profile = REFERENCE.empty()
    profile.add(3, {"text": ["abc", None, ""], "time": ["2026-01-01", "no time", None]})
    text, time = profile.columns["text"], profile.columns["time"]
    assert isinstance(text, NumberColumn)
    assert isinstance(time, NumberColumn)
    assert (text.sums.low, text.missing, text.unreadable) == (3.0, 2, 0)
    assert (time.sums.low, time.missing, time.unreadable) == (datetime(2026, 1, 1, tzinfo=UTC).timestamp(), 1, 1)


def test_missing_columns_are_absent_and_others_unexpected() -> None:
    profile = REFERENCE.empty()
    profile.add(2, {"numbr": [1.0, 2.0]})
    assert {column.absent for column in profile.columns.values()} == {2}
    assert profile.unexpected == {"numbr": 2}


def test_profiles_of_different_layouts_do_not_merge() -> None:
    other = Profile.of([{"number": [1.0, 2.0], "letter": ["a"] * 2}], categories=["letter"])
    with pytest.raises(LayoutMismatchError, match="constant, text, time, number, letter"):
        REFERENCE.merge(other)


def test_baseline_of_an_old_format_is_refused_by_name() -> None:
    with pytest.raises(UnknownFormatError, match="format 1, this code reads 2"):
        Baseline.from_document({"format": 1, "rows": 3, "columns": {}})


def test_every_wrong_field_of_a_baseline_is_named() -> None:
    document: Any = Baseline(profile=REFERENCE, segments={("letter", "a"): REFERENCE}).to_document()
    assert Baseline.from_document(document).to_document() == document
    del document["columns"]["number"]["edges"]
    document["columns"]["letter"]["counts"][1] = "many"
    document["segments"][0]["colour"] = "blue"
    with pytest.raises(InvalidRecordError) as raised:
        Baseline.from_document(document)
    assert str(raised.value) == (
        "the baseline: columns.number.edges is missing; columns.letter.counts[1] is str 'many', not int; "
        "segments[0].colour is unknown"
    )


def test_baseline_of_an_older_version_is_read() -> None:
    old: Any = {
        "format": 2,
        "rows": 3,
        "columns": {
            "number": {
                "kind": "number",
                "edges": [1, 2.5],
                "discrete": False,
                "margin": 1,
                "counts": [1, 1, 1],
                "sums": {"count": 3, "mean": None, "m2": None, "low": 0.5, "high": 3},
            },
            "letter": {"kind": "category", "categories": ["a"], "complete": True, "counts": [3]},
        },
        "unexpected": {},
    }
    baseline = Baseline.from_document(old)
    number, letter = baseline.profile.columns["number"], baseline.profile.columns["letter"]
    assert isinstance(number, NumberColumn)
    assert (number.rows, number.sums.mean, number.edges.tolist()) == (3, math.inf, [1.0, 2.5])
    assert isinstance(letter, CategoryColumn)
    assert (letter.rows, letter.newcomers) == (3, {})
    assert (baseline.importance, baseline.usual, baseline.segments) == ({}, {}, {})
