"""Scales: where in a picture a value lies."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Line from values to pixels: ``low`` lies at ``start``, ``high`` at ``end``.

    Examples
    --------
    >>> Scale(0, 10, start=100, end=0).at(2.5)
    75.0
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value lies; in the middle if ``low`` and ``high`` are the same."""
        span = self.high - self.low
        return self.start + (self.end - self.start) * ((value - self.low) / span if span else 0.5)
