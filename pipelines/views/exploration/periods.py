"""Divides a dataset by its time column into hours, days, months or years: the finest that are few enough to draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

MAX_PERIODS = 62
UNITS = ("h", "D", "M", "Y")


@dataclass(frozen=True, kw_only=True)
class Periods:
    """Periods of a time column. ``index`` is each row's period, -1 without a time; ``labels`` names the periods."""

    column: str
    index: npt.NDArray[np.int64]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, times: Mapping[str, npt.NDArray[np.float64]]) -> Self | None:
        """Return the periods of the time column with the fewest missing times; the first such column counts.

        ``times`` are seconds since 1970 by column. None if there is no time column, or if it does not have between 2
        and ``MAX_PERIODS`` periods.
        """
        if not times:
            return None
        name = min(times, key=lambda name: int(np.isnan(times[name]).sum()))
        known = np.isfinite(times[name])
        stamps = times[name][known].astype("int64").astype("datetime64[s]")
        if not len(stamps):
            return None
        for unit in UNITS:
            numbers = stamps.astype(f"datetime64[{unit}]").astype(np.int64)
            first, count = numbers.min(), int(numbers.max() - numbers.min()) + 1
            if count <= MAX_PERIODS:
                break
        else:
            return None
        if count < 2:
            return None
        index = np.full(len(known), -1)
        index[known] = numbers - first
        starts = (first + np.arange(count)).astype(f"datetime64[{unit}]")
        return cls(column=name, index=index, labels=tuple(str(start).replace("T", " ") for start in starts))

    def count(self) -> list[int]:
        return [int(count) for count in np.bincount(self.index[self.index >= 0], minlength=len(self.labels))]

    def of_each(self, values: npt.NDArray[np.float64], how: str) -> tuple[float | None, ...]:
        """Return the ``median`` or ``mean`` of each period; None for a period without values."""
        kept = (self.index >= 0) & np.isfinite(values)
        found = pd.Series(values[kept]).groupby(self.index[kept]).agg(how).reindex(range(len(self.labels)))
        return tuple(None if np.isnan(value) else float(value) for value in found)
