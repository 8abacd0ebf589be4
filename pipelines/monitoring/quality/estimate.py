"""A classifier's quality without labels, from how confident it is: an estimate, never to be taken for a measurement.

It holds as long as a score means what it meant at evaluation; a change of what follows from the features (concept
drift) it cannot see. Source: confidence-based performance estimation as in NannyML's documentation (CBPE); the idea in
Guillory and others, ICCV 2021, "Predicting with confidence on unseen distributions".
"""

import numpy as np

from pipelines.statistics.calibration import Calibration
from pipelines.statistics.metrics import CLIP, POSITIVE, Array, auc
from pipelines.statistics.number_column import NumberColumn


def estimate(predictions: NumberColumn, calibration: Calibration) -> dict[str, float]:
    """Expected metrics of the scores that were counted, each named ``estimated_…``; empty if there are none.

    Every score stands for the middle of its bin, so a value is off by at most what moving each score within its bin
    can change: at 250 bins of equal numbers of rows less than 0.01 in the area under the curve.
    """
    rows = predictions.counts.astype(np.float64)
    if not rows.sum():
        return {}
    edges = np.concatenate(([0.0], np.clip(predictions.edges, 0, 1), [1.0]))
    scores: Array = (edges[:-1] + edges[1:]) / 2
    rates = calibration.rate(scores)
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
