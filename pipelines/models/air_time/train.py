"""Training program of air-time: gradient boosting on the absolute error, because its gate is the mean of it."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingRegressor

from pipelines.jobs.training.job import train


def build(
    categories: npt.NDArray[np.bool_], seed: int, hyperparameters: Mapping[str, str]
) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=int(hyperparameters.get("max_iter", 100)),
        learning_rate=float(hyperparameters.get("learning_rate", 0.1)),
        max_leaf_nodes=int(hyperparameters.get("max_leaf_nodes", 31)),
        min_samples_leaf=50,
        categorical_features=categories,
        random_state=seed,
    )


if __name__ == "__main__":
    train(build, program=__file__)
