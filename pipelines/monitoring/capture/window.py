"""The window of time that a check looks at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pipelines.interface.times import format_time, parse_time


class InvalidWindowError(ValueError):
    """The window ends before it begins."""


@dataclass(frozen=True, kw_only=True, order=True)
class Window:
    """Window from ``begin`` up to but without ``end``."""

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.begin >= self.end:
            begin, end = format_time(self.begin), format_time(self.end)
            raise InvalidWindowError(f"the window from {begin} to {end} is empty: it must end after it begins")

    @classmethod
    def of(cls, end: str, hours: int, begin: str | None = None) -> Self:
        """Return the window that ends at ``end``; it begins at ``begin``, or ``hours`` before its end.

        Both are times as AWS writes them.

        >>> Window.of("2026-03-01T12:00:00Z", 2).name
        '20260301T120000Z-20260301T100000Z'
        """
        last = parse_time(end)
        return cls(begin=parse_time(begin) if begin else last - timedelta(hours=hours), end=last)

    @property
    def name(self) -> str:
        """The window's name, ``yyyymmddThhmmssZ-yyyymmddThhmmssZ``: the end comes first, so names sort by it."""
        return f"{self.end:%Y%m%dT%H%M%SZ}-{self.begin:%Y%m%dT%H%M%SZ}"

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the window that has this name."""
        end, begin = (datetime.strptime(part, "%Y%m%dT%H%M%S%z") for part in name.split("-"))
        return cls(begin=begin, end=end)
