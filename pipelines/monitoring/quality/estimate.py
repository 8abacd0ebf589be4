"""Estimate of a classifier's quality without labels, from its confidence. It is no measurement.

It holds as long as a score means the same as at evaluation. It cannot detect that the same features now have another
outcome (concept drift). Source: confidence-based performance estimation as in NannyML's documentation (CBPE); the idea
is in Guillory and others, ICCV 2021, "Predicting with confidence on unseen distributions".
"""

import numpy as np

from pipelines.interface.records import Calibration
from pipelines.statistics.calibration import rate_of
from pipelines.statistics.metrics import CLIP, POSITIVE, Array, auc
from pipelines.statistics.number_column import NumberColumn


def estimate(predictions: NumberColumn, calibration: Calibration) -> dict[str, float]:
    """Return the expected metrics of the counted scores, each named ``estimated_…``; empty if there are no scores.

    Every score counts as the middle of its bin. The error is at most the change that moving scores within their bins
    can make: for 250 bins of equally many rows less than 0.01 in the area under the curve.
    """
    rows = predictions.counts.astype(np.float64)
    if not rows.sum():
        return {}
    edges = np.concatenate(([0.0], np.clip(predictions.edges, 0, 1), [1.0]))
    scores: Array = (edges[:-1] + edges[1:]) / 2
    rates = rate_of(calibration, scores)
    clipped = np.clip(scores, CLIP, 1 - CLIP)
    positive = scores >= POSITIVE
    both = float(np.dot(rows, positive) + np.dot(rows, rates))
    found = {
        "estimated_auc": auc(rates, scores, rows),
        "estimated_log_loss": _mean(-(rates * np.log(clipped) + (1 - rates) * np.log1p(-clipped)), rows),
        "estimated_brier": _mean(scores**2 - 2 * scores * rates + rates, rows),
        "estimated_f1": float(2 * np.dot(rows * positive, rates) / both) if both else float("nan"),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _mean(values: Array, rows: Array) -> float:
    return float(np.average(values, weights=rows))
