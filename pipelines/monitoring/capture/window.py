"""A window of time, of which a check is made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pipelines.interface.times import parse_moment, written


class InvalidWindowError(ValueError):
    """The window ends before it begins."""


@dataclass(frozen=True, kw_only=True, order=True)
class Window:
    """From ``begin`` up to ``end``, which is not part of it."""

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.begin >= self.end:
            raise InvalidWindowError(f"a window from {written(self.begin)} to {written(self.end)} holds nothing")

    @classmethod
    def of(cls, end: str, hours: int, begin: str | None = None) -> Self:
        """From ``begin``, by default so many hours before ``end``; both as AWS writes moments."""
        last = parse_moment(end)
        return cls(begin=parse_moment(begin) if begin else last - timedelta(hours=hours), end=last)

    @property
    def name(self) -> str:
        """Sorts by the window's end: ``yyyymmddThhmmssZ-yyyymmddThhmmssZ``, end first."""
        return f"{self.end:%Y%m%dT%H%M%SZ}-{self.begin:%Y%m%dT%H%M%SZ}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The window that has this name."""
        end, begin = (datetime.strptime(part, "%Y%m%dT%H%M%S%z") for part in name.split("-"))
        return cls(begin=begin, end=end)
