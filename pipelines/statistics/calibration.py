"""Calibration of scores: the share of positives at each score, measured at evaluation and used before labels come."""

import numpy as np

from pipelines.interface.records import Calibration
from pipelines.statistics.metrics import Array

BINS = 50
"""Largest number of groups of rows with neighbouring scores."""


def rate_of(calibration: Calibration, scores: Array) -> Array:
    """Return the share of positives to expect at each score."""
    return np.interp(scores, calibration.scores, calibration.rates)


def calibrate(labels: Array, scores: Array) -> Calibration:
    """Return the isotonic regression of labels on scores, over at most ``BINS`` groups, by pooling adjacent violators.

    Source: Ayer and others, Annals of Mathematical Statistics 26 (1955) 641; as calibration: Zadrozny and Elkan, KDD
    2002.
    """
    order = np.argsort(scores, kind="stable")
    pools: list[tuple[float, float, int]] = []
    for group in np.array_split(order, min(BINS, len(order))):
        pool = (float(scores[group].sum()), float(labels[group].sum()), len(group))
        while pools and pools[-1][1] * pool[2] >= pool[1] * pools[-1][2]:
            last = pools.pop()
            pool = (last[0] + pool[0], last[1] + pool[1], last[2] + pool[2])
        pools.append(pool)
    return Calibration(
        scores=tuple(total / rows for total, _, rows in pools),
        rates=tuple(positive / rows for _, positive, rows in pools),
    )
