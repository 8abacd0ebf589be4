"""Evidently's data drift preset with its defaults, in an environment of its own."""

import warnings

import pandas as pd
from evidently import Report  # type: ignore[import-not-found]
from evidently.presets import DataDriftPreset  # type: ignore[import-not-found]

from tests.benchmarks.rivals.rival import WindowRival, main


class EvidentlyDrift(WindowRival):
    def __init__(self, reference: pd.DataFrame) -> None:
        self._reference = reference

    def check(self, window: pd.DataFrame) -> set[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = Report([DataDriftPreset()]).run(window, self._reference).dict()
        raised = set()
        for metric in found["metrics"]:
            config = metric["config"]
            if config["type"] == "evidently:metric_v2:ValueDrift":
                # A p-value drifts below its threshold, a distance above.
                below, value = "p_value" in config["method"], float(metric["value"])
                if value < config["threshold"] if below else value >= config["threshold"]:
                    raised.add(config["column"])
        return raised


if __name__ == "__main__":
    main("evidently", EvidentlyDrift)
