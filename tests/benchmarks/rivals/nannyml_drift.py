"""NannyML's univariate drift with its defaults, in an environment of its own; the fit is not timed."""

import time

import nannyml  # type: ignore[import-not-found]
import pandas as pd

from tests.benchmarks.rivals.rival import Rival, main
from tests.benchmarks.windows import CATEGORIES


class NannymlDrift(Rival):
    def __init__(self, reference: pd.DataFrame) -> None:
        self._reference = reference

    def raised(self, windows: list[pd.DataFrame]) -> list[set[str]]:
        calculator = self._calculator(len(windows[0]))
        found = calculator.calculate(pd.concat(windows, ignore_index=True)).filter(period="analysis").to_df()
        alerts = found.xs("alert", axis=1, level=2).droplevel(1, axis=1)
        return [{name for name in alerts if row[name]} for _, row in alerts.iterrows()]

    def seconds(self, window: pd.DataFrame) -> float:
        calculator = self._calculator(len(window))
        begun = time.process_time()
        calculator.calculate(window)
        return time.process_time() - begun

    def _calculator(self, rows: int) -> nannyml.UnivariateDriftCalculator:
        calculator = nannyml.UnivariateDriftCalculator(
            column_names=list(self._reference), treat_as_categorical=list(CATEGORIES), chunk_size=rows
        )
        return calculator.fit(self._reference)


if __name__ == "__main__":
    main("nannyml", NannymlDrift)
