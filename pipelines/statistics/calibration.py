"""How often what a score promises comes true: measured at evaluation, used where labels lag."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.statistics.metrics import Array

BINS = 50


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The share of positives as a rising function of the score, linear between the points and level beyond them."""

    scores: Sequence[float]
    rates: Sequence[float]

    def rate(self, scores: Array) -> Array:
        """The share of positives to expect at each score."""
        return np.interp(scores, self.scores, self.rates)


def calibrate(labels: Array, scores: Array) -> Calibration:
    """Isotonic regression over at most 50 groups of rows with neighbouring scores, by pooling adjacent violators.

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
        scores=[total / rows for total, _, rows in pools], rates=[positive / rows for _, positive, rows in pools]
    )
