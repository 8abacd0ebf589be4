"""How good predictions were, measured against what came true: overall, by segment, and against the evaluation."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.interface.settings import HIGHER_IS_BETTER, Quality
from pipelines.statistics.metrics import METRICS, Array, measure

HELD, LOST = "held", "lost"
INSUFFICIENT_LABELS, NOT_EVALUATED = "insufficient_labels", "not_evaluated"
SURE = 2.33
"""Standard errors by which a loss must exceed zero: one in a hundred windows without a loss shows that by chance."""
MIN_SEGMENT_ROWS = 100
MAX_RESAMPLED = 20_000
RESAMPLES = 100

Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """Rows whose label is known. ``segments`` are, by column, each row's value."""

    labels: Array
    predictions: Array
    segments: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EvaluationMetrics:
    """The values at evaluation: overall, on how many rows, and by (column, value) of a segment."""

    metrics: Mapping[str, float]
    rows: int
    segments: Mapping[tuple[str, str], Mapping[str, float]]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "EvaluationMetrics":
        """Of ``evaluation.json``."""
        return cls(
            metrics=document["candidate"],
            rows=document["rows"],
            segments={
                (segment["column"], segment["value"]): segment["candidate"] for segment in document.get("segments", [])
            },
        )

    @property
    def columns(self) -> list[str]:
        """The columns by which the evaluation was broken down."""
        return sorted({column for column, _ in self.segments})


@dataclass(frozen=True, kw_only=True)
class SegmentQuality:
    """``evaluated`` is empty where the evaluation has no such segment."""

    column: str
    value: str
    rows: int
    metrics: Metrics
    evaluated: Metrics


@dataclass(frozen=True, kw_only=True)
class QualityMeasurement:
    """``loss`` is how much worse ``metric`` is than at evaluation, as a share of the value there, and ``error`` its
    standard error; ``gap`` how much worse the worst segment is than all rows, in the metric's unit."""

    outcome: str
    metric: str
    rows: int
    metrics: Metrics
    evaluated: Metrics
    loss: float | None
    error: float | None
    segments: list[SegmentQuality]
    worst_segment: SegmentQuality | None
    gap: float | None

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def assess(
    task: str, metric: str, found: LabelledRows, evaluated: EvaluationMetrics | None, rules: Quality
) -> QualityMeasurement:
    """Measure the rows, and say whether ``metric`` is lost: by more than the rules allow, and more than chance.

    Rows whose prediction is no finite number count as nothing here: the drift check reports them.
    """
    usable = np.isfinite(found.predictions)
    labels, predictions = found.labels[usable], found.predictions[usable]
    rows = len(labels)
    metrics = _finite(measure(task, labels, predictions)) if rows else {}
    before = dict(evaluated.metrics) if evaluated else {}
    segments = [
        SegmentQuality(
            column=column,
            value=str(value),
            rows=int(here.sum()),
            metrics=_finite(measure(task, labels[here], predictions[here])),
            evaluated=dict(evaluated.segments.get((column, str(value)), {})) if evaluated else {},
        )
        for column, values in found.segments.items()
        for value, here in _parts(values[usable])
    ]
    worst = _worst([segment for segment in segments if metric in segment.metrics], metric)
    loss, error = _loss(task, metric, labels, predictions, metrics, evaluated)
    outcome = HELD
    if rows < rules.min_labels:
        outcome = INSUFFICIENT_LABELS
    elif loss is None or error is None:
        outcome = NOT_EVALUATED
    elif loss > rules.max_loss and loss > SURE * error:
        outcome = LOST
    return QualityMeasurement(
        outcome=outcome,
        metric=metric,
        rows=rows,
        metrics=metrics,
        evaluated=before,
        loss=loss,
        error=error,
        segments=segments,
        worst_segment=worst,
        gap=_worse_by(worst.metrics[metric], metrics[metric], metric) if worst and metric in metrics else None,
    )


def _finite(metrics: Mapping[str, float]) -> Metrics:
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def _parts(values: npt.NDArray[np.object_]) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    distinct, which = np.unique(values, return_inverse=True)
    parts = [(value, which == number) for number, value in enumerate(distinct)]
    return [(value, here) for value, here in parts if here.sum() >= MIN_SEGMENT_ROWS]


def _worse_by(value: float, than: float, metric: str) -> float:
    return than - value if HIGHER_IS_BETTER[metric] else value - than


def _worst(segments: list[SegmentQuality], metric: str) -> SegmentQuality | None:
    return max(segments, key=lambda segment: _worse_by(segment.metrics[metric], 0.0, metric), default=None)


def _loss(
    task: str, metric: str, labels: Array, predictions: Array, metrics: Metrics, evaluated: EvaluationMetrics | None
) -> tuple[float | None, float | None]:
    """The loss and its standard error, as shares of the value at evaluation."""
    before = evaluated.metrics.get(metric) if evaluated else None
    if not evaluated or not before or metric not in metrics:
        return None, None
    deviation = _standard_error(task, metric, labels, predictions)
    # The evaluation was a sample as well; of rows of the same kind, its variance goes with their number.
    deviation *= np.sqrt(1 + len(labels) / max(1, evaluated.rows))
    return _worse_by(metrics[metric], before, metric) / abs(before), float(deviation / abs(before))


def _standard_error(task: str, metric: str, labels: Array, predictions: Array) -> float:
    """By resampling with Poisson weights, of at most 20,000 rows; infinite where the metric is often not defined.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 6; Poisson weights: Oza and Russell,
    AISTATS 2001.
    """
    random = np.random.default_rng(0)
    rows = len(labels)
    if rows > MAX_RESAMPLED:
        chosen = random.choice(rows, MAX_RESAMPLED, replace=False)
        labels, predictions = labels[chosen], predictions[chosen]
    # Scores stand in for their ranks: the area under the curve only asks for those, and small integers sort faster.
    if metric == "auc":
        predictions = np.unique(predictions, return_inverse=True)[1].astype(np.float64)
    drawn = [
        METRICS[task][metric](labels, predictions, random.poisson(1.0, len(labels)).astype(np.float64))
        for _ in range(RESAMPLES)
    ]
    if not np.isfinite(drawn).all():
        return float("inf")
    return float(np.std(drawn, ddof=1) * np.sqrt(len(labels) / rows))
