"""Count, mean and spread of numbers, mergeable."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SumsDocument:
    """``Sums`` as JSON. ``mean`` and ``m2`` are null where they overflowed, since JSON has no infinity."""

    count: int
    mean: float | None
    m2: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Sums of ``count`` finite numbers; ``m2`` is the sum of squared deviations from the mean.

    Counts, ``low`` and ``high`` merge exactly. ``mean`` and ``m2`` merge up to rounding: another order or grouping can
    change their last digits. No decision uses these digits, because decisions use counts.
    """

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, ascending: Array) -> "Sums":
        """Return the sums of finite numbers that are sorted."""
        if not len(ascending):
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(ascending.mean())
            away = ascending - mean
            # np.dot would start threads that cost more than they save for a block of this size.
            m2 = float(np.sum(np.multiply(away, away, out=away)))
        return cls(count=len(ascending), mean=mean, m2=m2, low=float(ascending[0]), high=float(ascending[-1]))

    def __add__(self, other: "Sums") -> "Sums":
        """Return the sums of both; formula: Chan, Golub and LeVeque, The American Statistician 37 (1983) 242."""
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
        """The standard deviation of the population, not the estimate from a sample; 0 without numbers."""
        return math.sqrt(self.m2 / self.count) if self.count else 0.0

    def to_document(self) -> SumsDocument:
        return SumsDocument(
            count=self.count,
            mean=self.mean if math.isfinite(self.mean) else None,
            m2=self.m2 if math.isfinite(self.m2) else None,
            low=self.low,
            high=self.high,
        )

    @classmethod
    def from_document(cls, document: SumsDocument) -> "Sums":
        return cls(
            count=document.count,
            mean=math.inf if document.mean is None else document.mean,
            m2=math.inf if document.m2 is None else document.m2,
            low=document.low,
            high=document.high,
        )
