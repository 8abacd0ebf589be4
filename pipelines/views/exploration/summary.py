"""Summarizes a column of one version of a dataset in a few numbers, which add up over its parts."""

from dataclasses import dataclass, replace

import numpy as np

from pipelines.views.exploration.kinds import NUMERIC, Values


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A column in one version. ``low``, ``mean`` and ``high`` are of finite numbers; times are seconds since 1970.

    ``strays`` counts values that are not of the column's kind. ``shares`` are the shares of all rows that the
    categories of the old version have; it is empty for numbers and times.
    """

    rows: int
    missing: int
    strays: int
    low: float | None
    mean: float | None
    high: float | None
    shares: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Sums from which a summary is computed. Sums of two parts add up."""

    rows: int = 0
    missing: int = 0
    strays: int = 0
    numbers: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: Values | None, rows: int, kind: str) -> "Sums":
        """Return the sums of a part's column, whose values count if they are of ``kind``.

        ``values`` is None if the part lacks the column.
        """
        if values is None:
            return cls(rows=rows, missing=rows)
        counts = values.count_kinds()
        of_kind = counts.integer + counts.number if kind in NUMERIC else getattr(counts, kind)
        strays = 0 if kind == "text" else counts.present - of_kind
        sums = cls(rows=rows, missing=counts.missing, strays=strays)
        numbers = values.column(kind) if kind in (*NUMERIC, "time") else np.empty(0)
        finite = numbers[np.isfinite(numbers)]
        if not len(finite):
            return sums
        low, high = float(finite.min()), float(finite.max())
        return replace(sums, numbers=len(finite), total=float(finite.sum()), low=low, high=high)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            strays=self.strays + other.strays,
            numbers=self.numbers + other.numbers,
            total=self.total + other.total,
            low=min((low for low in (self.low, other.low) if low is not None), default=None),
            high=max((high for high in (self.high, other.high) if high is not None), default=None),
        )

    def to_summary(self, shares: dict[str, float]) -> Summary:
        mean = self.total / self.numbers if self.numbers else None
        return Summary(
            rows=self.rows,
            missing=self.missing,
            strays=self.strays,
            low=self.low,
            mean=mean,
            high=self.high,
            shares=shares,
        )
