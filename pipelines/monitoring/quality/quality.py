"""Quality of predictions, measured with labels: overall, by segment, and against the evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.interface.records import EvaluationReport, QualityOutcome
from pipelines.interface.settings import HIGHER_IS_BETTER, Quality
from pipelines.statistics.metrics import METRICS, Array, measure, ranks

SURE = 2.33
"""Number of standard errors by which a loss must exceed zero; chance alone exceeds it in one of a hundred windows."""
MIN_SEGMENT_ROWS = 100
"""Smallest number of labelled rows of a segment that is measured."""
MAX_RESAMPLED = 20_000
"""Largest number of rows that are resampled."""
RESAMPLES = 100

Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """Rows whose label is known. ``segments`` maps a column to its value in each row."""

    labels: Array
    predictions: Array
    segments: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EvaluationMetrics:
    """Metrics at evaluation: of all ``rows``, and by (column, value) of a segment."""

    metrics: Mapping[str, float]
    rows: int
    segments: Mapping[tuple[str, str], Mapping[str, float]]

    @classmethod
    def from_report(cls, report: EvaluationReport) -> "EvaluationMetrics":
        return cls(
            metrics=report.candidate,
            rows=report.rows,
            segments={(segment.column, segment.value): segment.candidate for segment in report.segments},
        )

    @property
    def columns(self) -> list[str]:
        """The columns of the evaluation's segments."""
        return sorted({column for column, _ in self.segments})


@dataclass(frozen=True, kw_only=True)
class SegmentQuality:
    """Quality of one segment; ``evaluated`` is empty where the evaluation has no such segment."""

    column: str
    value: str
    rows: int
    metrics: Metrics
    evaluated: Metrics


@dataclass(frozen=True, kw_only=True)
class QualityMeasurement:
    """Quality of a window's predictions.

    ``loss`` is the loss of ``metric`` since the evaluation, as a share of the value there, and ``error`` its standard
    error. ``gap`` is the difference between all rows and the worst segment, in the metric's unit.
    """

    outcome: QualityOutcome
    metric: str
    rows: int
    metrics: Metrics
    evaluated: Metrics
    loss: float | None
    error: float | None
    segments: list[SegmentQuality]
    worst_segment: SegmentQuality | None
    gap: float | None


def assess(
    task: str, metric: str, found: LabelledRows, evaluated: EvaluationMetrics | None, rules: Quality
) -> QualityMeasurement:
    """Measure the rows, and decide whether ``metric`` has lost more than the rules allow and more than by chance.

    Rows whose prediction is no finite number are left out: the drift check reports them.
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
    outcome = QualityOutcome.HELD
    if rows < rules.min_labels:
        outcome = QualityOutcome.INSUFFICIENT_LABELS
    elif loss is None or error is None:
        outcome = QualityOutcome.NOT_EVALUATED
    elif loss > rules.max_loss and loss > SURE * error:
        outcome = QualityOutcome.LOST
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
    """Return the loss and its standard error, as shares of the value at evaluation."""
    before = evaluated.metrics.get(metric) if evaluated else None
    if not evaluated or not before or metric not in metrics:
        return None, None
    deviation = _standard_error(task, metric, labels, predictions)
    # The evaluation was a sample as well; the variance of the same kind of rows is inverse to their number.
    deviation *= np.sqrt(1 + len(labels) / max(1, evaluated.rows))
    return _worse_by(metrics[metric], before, metric) / abs(before), float(deviation / abs(before))


def _standard_error(task: str, metric: str, labels: Array, predictions: Array) -> float:
    """Return the metric's standard error, by resampling at most ``MAX_RESAMPLED`` rows with Poisson weights.

    It is infinite where the metric is undefined in a resample.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 6; Poisson weights: Oza and Russell,
    AISTATS 2001.
    """
    random = np.random.default_rng(0)
    rows = len(labels)
    if rows > MAX_RESAMPLED:
        chosen = random.choice(rows, MAX_RESAMPLED, replace=False)
        labels, predictions = labels[chosen], predictions[chosen]
    if metric == "auc":
        predictions = ranks(predictions)
    drawn = [
        METRICS[task][metric](labels, predictions, random.poisson(1.0, len(labels)).astype(np.float64))
        for _ in range(RESAMPLES)
    ]
    if not np.isfinite(drawn).all():
        return float("inf")
    return float(np.std(drawn, ddof=1) * np.sqrt(len(labels) / rows))
