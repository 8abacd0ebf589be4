"""Metrics of predictions against labels.

Every metric is a function of labels, predictions and weights. A weight says how often a row counts, so the bootstrap
resamples without copying rows.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Metric = Callable[[Array, Array, Array], float]

CLIP = 1e-15
"""Distance from 0 and 1 to which scores are clipped before their logarithm is taken."""
POSITIVE = 0.5
"""Smallest score of a row that is predicted to be positive."""
CALIBRATION_BINS = 10


class InvalidPredictionsError(ValueError):
    """Labels and predictions do not fit together, or the task is unknown."""


def auc(labels: Array, scores: Array, weights: Array) -> float:
    """Return the area under the ROC curve: the Mann-Whitney statistic, ties count one half; NaN with one class only.

    Source: Hanley and McNeil, Radiology 143 (1982) 29.
    """
    _, group = np.unique(scores, return_inverse=True)
    positive = np.bincount(group, weights * labels)
    negative = np.bincount(group, weights * (1 - labels))
    pairs = positive.sum() * negative.sum()
    if pairs == 0:
        return float("nan")
    below = np.cumsum(negative) - negative / 2
    return float(np.dot(positive, below) / pairs)


def log_loss(labels: Array, scores: Array, weights: Array) -> float:
    """Return the mean negative log-likelihood in nats; scores are clipped to [1e-15, 1 - 1e-15]."""
    clipped = np.clip(scores, CLIP, 1 - CLIP)
    return float(np.average(-(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped)), weights=weights))


def brier(labels: Array, scores: Array, weights: Array) -> float:
    """Return the mean squared difference of score and outcome (Brier, Monthly Weather Review 78 (1950) 1)."""
    return float(np.average((scores - labels) ** 2, weights=weights))


def f1(labels: Array, scores: Array, weights: Array) -> float:
    """Return the harmonic mean of precision and recall of the rows that score 0.5 or more.

    It is NaN if no row is positive and none is predicted to be.

    Source: van Rijsbergen, Information Retrieval (1979), chapter 7.
    """
    predicted = weights * (scores >= POSITIVE)
    both = predicted.sum() + np.dot(weights, labels)
    return float(2 * np.dot(predicted, labels) / both) if both else float("nan")


def calibration_error(labels: Array, scores: Array, weights: Array) -> float:
    """Return the mean distance of score and share of positives over ten bins of equal width, weighted by rows.

    Source: Naeini, Cooper and Hauskrecht, AAAI 29 (2015) 2901.
    """
    bins = np.clip((scores * CALIBRATION_BINS).astype(np.int64), 0, CALIBRATION_BINS - 1)
    surplus = np.bincount(bins, weights * (scores - labels))
    return float(np.abs(surplus).sum() / weights.sum())


def mae(labels: Array, predictions: Array, weights: Array) -> float:
    """Return the mean absolute error, in the target's unit."""
    return float(np.average(np.abs(predictions - labels), weights=weights))


def rmse(labels: Array, predictions: Array, weights: Array) -> float:
    """Return the root of the mean squared error, in the target's unit."""
    return float(np.sqrt(np.average((predictions - labels) ** 2, weights=weights)))


def bias(labels: Array, predictions: Array, weights: Array) -> float:
    """Return the mean of prediction minus label, in the target's unit."""
    return float(np.average(predictions - labels, weights=weights))


def ranks(scores: Array) -> Array:
    """Return each score's rank among the distinct scores, from 0.

    ``auc`` is the same for ranks as for scores, and small integers sort and group several times as fast.
    """
    return np.unique(scores, return_inverse=True)[1].astype(np.float64)


METRICS: dict[str, dict[str, Metric]] = {
    "classification": {
        "auc": auc,
        "log_loss": log_loss,
        "brier": brier,
        "f1": f1,
        "calibration_error": calibration_error,
    },
    "regression": {"mae": mae, "rmse": rmse, "bias": bias},
}


def measure(task: str, labels: Array, predictions: Array) -> dict[str, float]:
    """Return all metrics of a task; NaN where a metric is not defined.

    Raises
    ------
    InvalidPredictionsError
        The task is unknown, there are no rows, the lengths differ, or predictions are no finite numbers.

    Examples
    --------
    >>> measure("regression", np.array([1.0, 2.0]), np.array([2.0, 2.0]))["mae"]
    0.5
    """
    if task not in METRICS:
        raise InvalidPredictionsError(f"the task {task!r} is unknown: it is one of {', '.join(sorted(METRICS))}")
    if len(labels) == 0 or len(labels) != len(predictions):
        raise InvalidPredictionsError(
            f"{len(labels)} labels and {len(predictions)} predictions: there must be equally many, and at least one"
        )
    if not np.isfinite(predictions).all():
        raise InvalidPredictionsError(
            f"{int((~np.isfinite(predictions)).sum())} of {len(predictions)} predictions are NaN or infinite: "
            "a model must predict a finite number for every row"
        )
    weights = np.ones(len(labels))
    return {name: metric(labels, predictions, weights) for name, metric in METRICS[task].items()}
