"""Count, mean and spread of numbers, mergeable."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Of ``count`` finite numbers; ``m2`` is the sum of squared deviations from the mean.

    Counts, ``low`` and ``high`` merge exactly. ``mean`` and ``m2`` merge to rounding: another order or grouping may
    change their last digits, and never a decision, which rests on counts.
    """

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, ascending: Array) -> "Sums":
        """Of finite numbers that are sorted."""
        if not len(ascending):
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(ascending.mean())
            away = ascending - mean
            # Not np.dot: for a block of this size it wakes threads that cost more than they save.
            m2 = float(np.sum(np.multiply(away, away, out=away)))
        return cls(count=len(ascending), mean=mean, m2=m2, low=float(ascending[0]), high=float(ascending[-1]))

    def __add__(self, other: "Sums") -> "Sums":
        """Of both; source of the formula: Chan, Golub and LeVeque, The American Statistician 37 (1983) 242."""
        if not self.count or not other.count:
            return self if self.count else other
        assert self.low is not None
        assert self.high is not None
        assert other.low is not None
        assert other.high is not None
        count, gap = self.count + other.count, other.mean - self.mean
        return Sums(
            count=count,
            mean=self.mean + gap * other.count / count,
            m2=self.m2 + other.m2 + gap * gap * (self.count * other.count / count),
            low=min(self.low, other.low),
            high=max(self.high, other.high),
        )

    @property
    def deviation(self) -> float:
        """The standard deviation (of the population, not the estimate from a sample); 0 without numbers."""
        return math.sqrt(self.m2 / self.count) if self.count else 0.0

    def to_document(self) -> dict[str, Any]:
        """Numbers that overflowed are null, since JSON has no infinity."""
        finite = {
            name: value if math.isfinite(value) else None for name, value in (("mean", self.mean), ("m2", self.m2))
        }
        return {"count": self.count, **finite, "low": self.low, "high": self.high}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Sums":
        overflowed = {name: math.inf for name in ("mean", "m2") if document[name] is None}
        return cls(**{**document, **overflowed})
