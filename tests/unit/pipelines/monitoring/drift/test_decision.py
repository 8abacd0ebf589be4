"""Tests that decisions raise nothing without a change, find every sort of change, and rank by importance."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.interface.records import CheckOutcome, ColumnChange
from pipelines.interface.settings import Drift
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.statistics.baseline import usual_effects
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import PREDICTION, Profile

RULES = Drift(window_hours=1, min_rows=50, false_alarm_rate=0.005, min_effect=0.07, persistence=1)
CATEGORIES = ("letter", "town")
TOWNS = 1 / np.arange(1, 301)
Column = npt.NDArray[Any]


def table(rows: int, seed: int) -> dict[str, Column]:
    random = np.random.default_rng(seed)
    return {
        "temp": random.normal(50, 10, rows),
        "wind": random.exponential(8, rows),
        "heavy": random.standard_cauchy(rows),
        "count": random.poisson(3, rows).astype(float),
        "constant": np.zeros(rows),
        "rare": (random.random(rows) < 0.001).astype(float),
        "letter": random.choice(np.array(list("abc"), dtype=object), rows),
        "town": random.choice(np.arange(300).astype(str).astype(object), rows, p=TOWNS / TOWNS.sum()),
    }


def profile(rows: Mapping[str, Column]) -> Profile:
    return Profile.of([rows], categories=CATEGORIES)


TRAINING = table(50_000, seed=0)
REFERENCE = profile(TRAINING)


def decision(window: Mapping[str, Column], reference: Profile = REFERENCE, **options: Any) -> Decision:
    comparison = compare(reference, Profile.of([window], like=reference))
    return decide(comparison, options.pop("rules", RULES), **{"records": 1, "corrupt": 0, **options})


def names(found: Decision) -> list[str]:
    """Return the names of the changed columns, drifted ones first."""
    return [column.name for column in found.worst]


@pytest.mark.parametrize("rows", [50, 200, 1000, 10_000])
def test_windows_without_change_are_stable(rows: int) -> None:
    raised = [
        names(found) for seed in range(1, 41) if (found := decision(table(rows, seed))).outcome != CheckOutcome.STABLE
    ]
    assert raised == []


@pytest.mark.parametrize("rows", [1000, 20_000])
def test_one_outlier_neither_alarms_nor_hides_a_shift(rows: int) -> None:
    spoiled = {name: column.copy() for name, column in TRAINING.items()}
    spoiled["temp"][0] = 1e9
    for reference in (REFERENCE, profile(spoiled)):
        window = table(rows, seed=1)
        window["temp"][0] = 1e9
        assert decision(window, reference).outcome == CheckOutcome.STABLE
        window["temp"] += 4
        window["temp"][0] = 1e9
        found = decision(window, reference)
        assert (found.outcome, names(found)) == (CheckOutcome.DRIFT, ["temp"])


def some(column: Column, one_in: int, value: object) -> Column:
    """Return the column with one in so many values replaced."""
    return np.where(np.arange(len(column)) % one_in, column, np.array(value, dtype=object)).astype(
        object if isinstance(value, str) else column.dtype
    )


WRONG: dict[str, Callable[[Column], Column]] = {
    "temp half missing": lambda column: some(column, 2, np.nan),
    "temp 1 % missing": lambda column: some(column, 100, np.nan),
    "temp a third infinite": lambda column: some(column, 3, np.inf),
    "temp 2 % text": lambda column: some(column, 50, "n/a"),
    "temp a quarter of a deviation": lambda column: column + 2.5,
    "temp twice as wide": lambda column: 50 + (column - 50) * 2,
    "temp times 1000": lambda column: column * 1000,
    "temp 1 % a number for missing": lambda column: some(column, 100, -999.0),
    "wind in other units": lambda column: column * 2.237,
    "heavy shifted": lambda column: column + 1,
    "count one value less": lambda column: np.where(column == 3, 4, column),
    "count between its values": lambda column: some(column, 50, 2.5),
    "constant 2 % ones": lambda column: some(column, 50, 1.0),
    "rare 2 % ones": lambda column: some(column, 50, 1.0),
    "letter 1 % new": lambda column: some(column, 100, "new"),
    "letter other shares": lambda column: np.where(column == "a", some(column, 2, "b"), column),
    "letter other case": lambda column: np.array([str(value).upper() for value in column], dtype=object),
    "town 1 % new": lambda column: some(column, 100, "new"),
    "town top one halved": lambda column: np.where(column == "0", some(column, 2, "7"), column),
}


def made(name: str, rows: int = 2000) -> dict[str, Column]:
    """Return a window in which one thing is wrong."""
    window, column = table(rows, seed=1), name.split(maxsplit=1)[0]
    return {**window, column: WRONG[name](window[column])}


@pytest.mark.parametrize("name", WRONG)
def test_change_is_drift_of_its_column_alone(name: str) -> None:
    found = decision(made(name))
    assert (found.outcome, names(found)) == (CheckOutcome.DRIFT, [name.split(maxsplit=1)[0]])


def test_swapped_columns_are_both_named() -> None:
    window = table(1000, seed=1)
    found = decision({**window, "temp": window["wind"], "wind": window["temp"]})
    assert (found.outcome, set(names(found))) == (CheckOutcome.DRIFT, {"temp", "wind"})


def test_column_without_any_value_is_broken_input() -> None:
    found = decision({**table(1000, seed=1), "temp": np.full(1000, np.nan)})
    assert found.outcome == CheckOutcome.BROKEN_INPUT
    assert found.findings == ["temp has no value in any row"]
    assert names(found) == ["temp"]


def test_absent_and_renamed_columns_are_broken_input_and_named() -> None:
    window = table(1000, seed=1)
    window["temperature"] = window.pop("temp")
    found = decision(window)
    assert found.outcome == CheckOutcome.BROKEN_INPUT
    assert found.findings == [
        "feature temp is missing from all requests",
        "requests have columns that the baseline lacks: temperature",
    ]


def test_text_instead_of_numbers_is_broken_input() -> None:
    found = decision({**table(1000, seed=1), "temp": np.full(1000, "warm", dtype=object)})
    assert found.outcome == CheckOutcome.BROKEN_INPUT
    assert found.findings == ["temp is no number in 1000 of 1000 rows"]


def test_findings_count_odd_rows_and_quote_no_values() -> None:
    window = made("letter 1 % new", 1000)
    window["temp"][:7] = np.inf
    found = decision(window)
    assert found.findings == [
        "temp is infinite in 7 rows",
        "letter is a category that the baseline does not list in 10 rows",
    ]


@pytest.mark.parametrize("rows", [0, 49])
def test_too_few_rows_are_insufficient_data(rows: int) -> None:
    found = decision(
        {name: column[:rows] + 90 if name == "temp" else column[:rows] for name, column in TRAINING.items()}
    )
    assert found.outcome == CheckOutcome.INSUFFICIENT_DATA
    assert found.findings[0] == f"{rows} rows, 50 wanted"


def test_too_many_corrupt_records_are_broken_input() -> None:
    window = table(1000, seed=1)
    assert decision(window, records=990, corrupt=10).outcome == CheckOutcome.STABLE
    found = decision(window, records=900, corrupt=100)
    assert (found.outcome, found.findings) == (
        CheckOutcome.BROKEN_INPUT,
        ["100 of 1000 captured records cannot be read"],
    )


def test_small_changes_of_large_windows_are_no_drift() -> None:
    window = table(200_000, seed=1)
    window["temp"] += 0.5
    found = decision(window)
    temp = next(verdict.column for verdict in found.columns if verdict.name == "temp")
    assert found.outcome == CheckOutcome.STABLE
    assert temp.rate < 1e-6, "it is beyond chance, and too small to matter"


def test_drift_is_called_once_it_has_lasted() -> None:
    window = {**table(1000, seed=1), "temp": table(1000, seed=1)["temp"] + 10}
    rules = replace(RULES, persistence=3)
    for earlier in ([], [["temp"]], [["temp"], ["wind"]], [[], ["temp"], ["temp"]]):
        assert decision(window, rules=rules, earlier=earlier).outcome == CheckOutcome.WARNING
    assert decision(window, rules=rules, earlier=[["temp", "wind"], ["temp"], []]).outcome == CheckOutcome.DRIFT


def test_drift_of_an_unimportant_column_is_a_warning() -> None:
    window = {**table(1000, seed=1), "temp": table(1000, seed=1)["temp"] + 10}
    importance = dict.fromkeys(TRAINING, 0.14)
    assert decision(window, importance={**importance, "temp": 0.02}).outcome == CheckOutcome.DRIFT
    found = decision(window, importance={**importance, "temp": 0.001})
    assert (found.outcome, names(found)) == (CheckOutcome.WARNING, ["temp"])


def test_more_important_column_comes_first() -> None:
    window = table(1000, seed=1)
    window |= {"temp": window["temp"] + 20, "wind": window["wind"] * 2}
    assert names(decision(window)) == ["temp", "wind"]
    assert names(decision(window, importance={"temp": 0.1, "wind": 0.9})) == ["wind", "temp"]


def test_importance_is_unknown_beyond_the_training_range() -> None:
    window = table(5_000, seed=7)
    window["temp"] = window["temp"] + 70
    found = decision(window, importance={**dict.fromkeys(TRAINING, 0.14), "temp": 0.0})
    assert (found.outcome, names(found)[0]) == (CheckOutcome.DRIFT, "temp")
    assert found.columns[0].importance is None
    assert any("temp is outside of all values in training in 99%" in finding for finding in found.findings)


def test_worst_columns_are_rounded_for_the_ledger() -> None:
    window = {**table(1000, seed=1), "temp": table(1000, seed=1)["temp"] + 10}
    found = decision(window, importance={**dict.fromkeys(TRAINING, 0.1), "temp": 0.3})
    temp = found.columns[0]
    assert found.worst == (
        ColumnChange(
            name="temp",
            effect=round(temp.column.effect, 4),
            psi=round(temp.column.psi, 4),
            importance=0.3,
            evidence=temp.column.evidence,
            drifted=True,
        ),
    )


def test_drift_of_predictions_always_matters() -> None:
    reference = Profile.of([{"x": TRAINING["temp"], PREDICTION: TRAINING["wind"]}])
    found = decision(
        {"x": table(1000, 1)["temp"], PREDICTION: table(1000, 1)["wind"] * 2}, reference, importance={"x": 1}
    )
    assert (found.outcome, names(found)) == (CheckOutcome.DRIFT, [PREDICTION])


def test_certain_but_small_change_is_a_warning() -> None:
    window = table(20_000, seed=1)
    window["temp"] += 1.3
    found = decision(window)
    assert (found.outcome, names(found)) == (CheckOutcome.WARNING, ["temp"])
    assert not found.worst[0].drifted


def test_usual_change_between_months_of_training_is_no_drift() -> None:
    winter, spring = table(20_000, seed=1), table(20_000, seed=2)
    spring["temp"] = spring["temp"] + 8
    whole = Profile.of([winter, spring], categories=CATEGORIES)
    usual = usual_effects(whole, [winter, spring])
    again = table(2000, seed=3)
    assert decision(again, whole).outcome == CheckOutcome.DRIFT, "one season differs from the year"
    assert decision(again, whole, usual=usual).outcome == CheckOutcome.STABLE
    summer = {**again, "temp": again["temp"] + 25}
    assert (decision(summer, whole, usual=usual).outcome, names(decision(summer, whole, usual=usual))) == (
        CheckOutcome.DRIFT,
        ["temp"],
    )


def test_one_part_gives_no_usual_effects() -> None:
    assert usual_effects(REFERENCE, [TRAINING]) == {}
