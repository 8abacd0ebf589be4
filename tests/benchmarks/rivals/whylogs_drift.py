"""whylogs' profile and drift scores at their defaults, in an environment of its own."""

import time
import warnings

import pandas as pd
import whylogs  # type: ignore[import-not-found]
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores  # type: ignore[import-not-found]

from tests.benchmarks.rivals.rival import Rival, main


class WhylogsDrift(Rival):
    def __init__(self, reference: pd.DataFrame) -> None:
        self._reference = whylogs.log(reference).view()

    def raised(self, windows: list[pd.DataFrame]) -> list[set[str]]:
        return [self._check(window) for window in windows]

    def seconds(self, window: pd.DataFrame) -> float:
        begun = time.process_time()
        self._check(window)
        return time.process_time() - begun

    def _check(self, window: pd.DataFrame) -> set[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = calculate_drift_scores(whylogs.log(window).view(), self._reference, with_thresholds=True)
        return {name for name, score in scores.items() if score and score["drift_category"] == "DRIFT"}


if __name__ == "__main__":
    main("whylogs", WhylogsDrift)
