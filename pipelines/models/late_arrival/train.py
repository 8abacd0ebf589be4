"""Training program of late-arrival: small and heavily regularised gradient boosting, because the months differ much."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from pipelines.jobs.training.job import train


def build(
    categories: npt.NDArray[np.bool_], seed: int, hyperparameters: Mapping[str, str]
) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=int(hyperparameters.get("max_iter", 150)),
        learning_rate=float(hyperparameters.get("learning_rate", 0.05)),
        max_leaf_nodes=int(hyperparameters.get("max_leaf_nodes", 15)),
        min_samples_leaf=100,
        l2_regularization=5.0,
        categorical_features=categories,
        random_state=seed,
    )


if __name__ == "__main__":
    train(build, program=__file__)
