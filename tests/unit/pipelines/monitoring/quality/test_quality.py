"""Quality is measured with labels, distinguished from chance, and estimated under another name before labels come."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from pipelines.interface.records import QualityOutcome
from pipelines.interface.settings import Quality
from pipelines.monitoring.quality.estimate import estimate
from pipelines.monitoring.quality.quality import EvaluationMetrics, LabelledRows, assess
from pipelines.statistics.calibration import calibrate
from pipelines.statistics.metrics import Array, measure
from pipelines.statistics.number_column import NumberColumn

RULES = Quality(min_labels=200, max_loss=0.05)


def classified(rows: int, seed: int, skill: float = 1.0) -> LabelledRows:
    """Return rows of two segments; a share ``skill`` of the scores is the probability of the label."""
    random = np.random.default_rng(seed)
    truth = random.beta(1, 2, rows)
    scores = np.where(random.random(rows) < skill, truth, random.beta(1, 2, rows))
    airports = random.choice(np.array(["JFK", "EWR"], dtype=object), rows)
    return LabelledRows(
        labels=(random.random(rows) < truth).astype(float), predictions=scores, segments={"origin": airports}
    )


def evaluated(found: LabelledRows) -> EvaluationMetrics:
    metrics = measure("classification", found.labels, found.predictions)
    return EvaluationMetrics(metrics=metrics, rows=len(found.labels), segments={("origin", "JFK"): metrics})


def test_unchanged_quality_is_held() -> None:
    before = evaluated(classified(20_000, 0))
    outcomes = [
        assess("classification", "auc", classified(rows, seed), before, RULES).outcome
        for rows in (200, 2_000)
        for seed in range(1, 101)
    ]
    assert outcomes.count(QualityOutcome.LOST) <= 4, "chance alone loses one in a hundred"
    assert set(outcomes) <= {QualityOutcome.HELD, QualityOutcome.LOST}


def test_real_loss_is_detected_and_measured() -> None:
    before = evaluated(classified(20_000, 0))
    for metric in ("auc", "brier", "log_loss"):
        found = assess("classification", metric, classified(5_000, 1, skill=0.5), before, RULES)
        assert found.outcome == QualityOutcome.LOST, metric
        assert found.loss is not None
        assert math.isclose(found.loss, abs(found.metrics[metric] / before.metrics[metric] - 1), rel_tol=1e-9)
    assert found.metrics == measure(
        "classification", classified(5_000, 1, skill=0.5).labels, classified(5_000, 1, skill=0.5).predictions
    )


def test_worst_segment_is_named_with_its_gap() -> None:
    good, bad = classified(3_000, 1), classified(1_000, 2, skill=0.0)
    both = LabelledRows(
        labels=np.concatenate([good.labels, bad.labels]),
        predictions=np.concatenate([good.predictions, bad.predictions]),
        segments={"origin": np.array(["JFK"] * 3_000 + ["LGA"] * 950 + ["rare"] * 50, dtype=object)},
    )
    found = assess("classification", "auc", both, evaluated(classified(20_000, 0)), RULES)
    assert [(segment.value, segment.rows) for segment in found.segments] == [("JFK", 3_000), ("LGA", 950)]
    assert found.worst_segment is not None
    assert found.worst_segment.value == "LGA"
    assert found.gap == found.metrics["auc"] - found.worst_segment.metrics["auc"] > 0.1
    assert [bool(segment.evaluated) for segment in found.segments] == [True, False]


def test_regressions_are_measured() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(100, 20, 5_000)
    before = EvaluationMetrics(metrics={"mae": 4.0, "rmse": 5.0, "bias": 0.0}, rows=5_000, segments={})
    same = LabelledRows(labels=truth, predictions=truth + random.normal(0, 5, 5_000))
    worse = LabelledRows(labels=truth, predictions=truth + random.normal(3, 5, 5_000))
    assert assess("regression", "mae", same, before, RULES).outcome == QualityOutcome.HELD
    found = assess("regression", "mae", worse, before, RULES)
    assert found.outcome == QualityOutcome.LOST
    assert math.isclose(found.metrics["bias"], 3, abs_tol=0.3)


def test_nothing_is_decided_without_labels_or_an_evaluation() -> None:
    before = evaluated(classified(2_000, 0))
    nothing = LabelledRows(labels=np.zeros(0), predictions=np.zeros(0), segments={"origin": np.zeros(0, dtype=object)})
    for few in (nothing, classified(199, 1)):
        assert assess("classification", "auc", few, before, RULES).outcome == QualityOutcome.INSUFFICIENT_LABELS
    one_class = LabelledRows(labels=np.ones(500), predictions=np.full(500, 0.5))
    assert assess("classification", "auc", classified(500, 1), None, RULES).outcome == QualityOutcome.NOT_EVALUATED
    found = assess("classification", "auc", one_class, before, RULES)
    assert found.outcome == QualityOutcome.NOT_EVALUATED
    assert "auc" not in found.metrics


def test_predictions_that_are_no_numbers_do_not_count() -> None:
    found = classified(1_000, 1)
    found.predictions[:300] = np.nan
    assert assess("classification", "auc", found, evaluated(classified(2_000, 0)), RULES).rows == 700


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=40))
def test_calibration_is_isotonic_regression(pairs: list[tuple[bool, int]]) -> None:
    """With at most 50 rows each row is a group by itself, so the pools are those of scikit-learn."""
    labels = np.array([float(label) for label, _ in pairs])
    scores = np.array([score / 20 for _, score in pairs]) + np.arange(len(pairs)) * 1e-9
    found = calibrate(labels, scores)
    assert list(found.rates) == sorted(found.rates)
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    np.testing.assert_allclose(np.unique(np.round(found.rates, 9)), np.unique(np.round(expected.predict(scores), 9)))


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_estimates_are_near_the_metrics_of_labels(shift: float) -> None:
    """The rows may differ from those at evaluation, as long as a score means the same."""
    random = np.random.default_rng(0)

    def rows(count: int, tilt: float) -> tuple[Array, Array]:
        # The score is too confident; the calibration corrects it.
        truth = random.beta(1 + tilt, 2, count)
        return (random.random(count) < truth).astype(float), np.clip(1.3 * truth - 0.15, 0, 1)

    calibration = calibrate(*rows(50_000, 0.0))
    labels, scores = rows(50_000, shift)
    column = NumberColumn.like(list(rows(20_000, 0.0)[1]))
    column.add(list(scores))
    expected = estimate(column, calibration)
    measured = measure("classification", labels, scores)
    assert all(name.startswith("estimated_") for name in expected)
    for name in ("auc", "brier", "f1"):
        assert math.isclose(expected[f"estimated_{name}"], measured[name], abs_tol=0.015), name
    assert estimate(column.empty(), calibration) == {}
