"""whylogs' profile and drift scores with their defaults, in an environment of its own."""

import warnings

import pandas as pd
import whylogs  # type: ignore[import-not-found]
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores  # type: ignore[import-not-found]

from tests.benchmarks.rivals.rival import WindowRival, main


class WhylogsDrift(WindowRival):
    def __init__(self, reference: pd.DataFrame) -> None:
        self._reference = whylogs.log(reference).view()

    def check(self, window: pd.DataFrame) -> set[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = calculate_drift_scores(whylogs.log(window).view(), self._reference, with_thresholds=True)
        return {name for name, score in scores.items() if score and score["drift_category"] == "DRIFT"}


if __name__ == "__main__":
    main("whylogs", WhylogsDrift)
