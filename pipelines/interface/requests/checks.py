"""The inputs and answers of the functions that check traffic."""

from dataclasses import dataclass

from pipelines.interface.records import Check, QualityHour


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """A check of the window that ends at ``scheduled_at``; it begins at ``begin``, or as the settings say."""

    model: str
    scheduled_at: str
    begin: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckAnswer(Check):
    """The check of the champion, and the hours whose quality was measured with it."""

    quality: tuple[QualityHour, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CountRequest:
    """A batch to count: ``number`` of the plan in ``folder``."""

    model: str
    folder: str
    number: int


@dataclass(frozen=True, kw_only=True)
class CountAnswer:
    number: int


@dataclass(frozen=True, kw_only=True)
class ConcludeRequest:
    model: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class FinishCheckRequest:
    """The end of an execution of the checks flow that failed, timed out or was aborted."""

    execution: str
    status: str
