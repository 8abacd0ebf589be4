"""The gain of the candidate over the champion on the same rows, with its confidence interval."""

import numpy as np

from pipelines.interface.records import Gain
from pipelines.interface.settings import HIGHER_IS_BETTER
from pipelines.statistics.metrics import METRICS, Array, auc, ranks

SAMPLES = 400
"""Number of resamples."""


def paired_gain(
    task: str,
    metric: str,
    labels: Array,
    candidate: Array,
    champion: Array,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Gain:
    """Return the difference of two models' metric, bootstrapped by resampling rows, the same rows for both.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile interval).
    """
    measured = METRICS[task][metric]
    sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0
    if measured is auc:
        candidate, champion = ranks(candidate), ranks(champion)
    random = np.random.default_rng(seed)

    def gain(weights: Array) -> float:
        return sign * (measured(labels, candidate, weights) - measured(labels, champion, weights))

    rows = len(labels)
    drawn = [
        gain(np.bincount(random.integers(0, rows, rows), minlength=rows).astype(np.float64)) for _ in range(samples)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Gain(
        metric=metric,
        difference=gain(np.ones(rows)),
        low=float(low),
        high=float(high),
        samples=samples,
        seed=seed,
    )
