"""Importance of each feature: the loss of the metric when the feature's values are permuted.

The model's own inference program predicts the permuted rows together with the held-out rows, so any model will do.
"""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.interface.settings import HIGHER_IS_BETTER
from pipelines.statistics.metrics import METRICS, Array

REPEATS = 2
"""Number of permutations of each feature."""
MAX_ROWS = 2_000
MIN_ROWS = 100
BUDGET_ROWS = 60_000
"""Largest number of permuted rows, unless a wide table needs more with a sample of ``MIN_ROWS``."""


@dataclass(frozen=True, kw_only=True)
class Permutations:
    """Sample of held-out rows, once as it is and then with one feature permuted at a time.

    ``sample`` holds the positions of the sampled rows. ``orders`` (features x repeats x rows) says for each sampled row
    which other one lends it the feature's value.
    """

    features: Sequence[str]
    sample: npt.NDArray[np.intp]
    orders: npt.NDArray[np.intp]

    @classmethod
    def of(cls, rows: int, features: Sequence[str], *, seed: int) -> "Permutations":
        random = np.random.default_rng(seed)
        affordable = BUDGET_ROWS // (REPEATS * max(1, len(features)))
        size = min(rows, max(MIN_ROWS, min(MAX_ROWS, affordable)))
        sample = np.sort(random.choice(rows, size, replace=False))
        orders = np.array([[random.permutation(size) for _ in range(REPEATS)] for _ in features], dtype=np.intp)
        return cls(features=features, sample=sample, orders=orders)

    def write(self, rows: pd.DataFrame, path: Path) -> None:
        """Write the rows to predict as a .csv.gz of the features."""
        # The sample is turned into text once; after that only texts change places.
        text = rows[list(self.features)].iloc[self.sample].to_csv(index=False, lineterminator="\n")
        header, *lines = csv.reader(io.StringIO(text))
        columns = [list(column) for column in zip(*lines, strict=True)]
        with gzip.open(path, "wt", compresslevel=1, newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(lines)
            for number, repeats in enumerate(self.orders):
                for order in repeats:
                    lent = [columns[number][row] for row in order]
                    writer.writerows(zip(*columns[:number], lent, *columns[number + 1 :], strict=True))

    def importance(self, task: str, metric: str, labels: Array, predictions: Array) -> dict[str, float]:
        """Return each feature's share of the metric's losses; they add up to 1, or are empty if there is no loss.

        ``labels`` are those of all held-out rows, ``predictions`` those of the rows that ``write`` wrote.
        Source: Breiman, Machine Learning 45 (2001) 5, section 10; for any model and metric, Fisher, Rudin and Dominici,
        Journal of Machine Learning Research 20 (2019) 177.
        """
        measured, sign = METRICS[task][metric], 1.0 if HIGHER_IS_BETTER[metric] else -1.0
        size, weights = len(self.sample), np.ones(len(self.sample))
        values = [sign * measured(labels[self.sample], part, weights) for part in predictions.reshape(-1, size)]
        permuted = np.array(values[1:]).reshape(len(self.features), REPEATS)
        losses = np.maximum(0.0, values[0] - permuted.mean(axis=1))
        return shares(dict(zip(self.features, losses.tolist(), strict=True)))


def shares(losses: Mapping[str, float]) -> dict[str, float]:
    """Return the losses divided by their sum; empty where the sum is no positive finite number."""
    total = sum(losses.values())
    return {name: loss / total for name, loss in losses.items()} if 0 < total < float("inf") else {}
