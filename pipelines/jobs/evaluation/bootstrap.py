"""How much better the candidate is than the champion on the same rows, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from pipelines.interface.settings import HIGHER_IS_BETTER
from pipelines.statistics.metrics import METRICS, Array, auc

SAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class Gain:
    """The difference in a metric, positive where the candidate is better, with its 95 % percentile interval."""

    metric: str
    difference: float
    low: float
    high: float
    samples: int
    seed: int


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
    """Bootstrap the difference of two models' metric, resampling rows, the same rows for both.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentile interval).
    """
    measured = METRICS[task][metric]
    sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0
    if measured is auc:
        # Scores stand in for their ranks: small integers sort and group several times as fast in every resample.
        candidate, champion = _ranks(candidate), _ranks(champion)
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


def _ranks(scores: Array) -> Array:
    return np.unique(scores, return_inverse=True)[1].astype(np.float64)
