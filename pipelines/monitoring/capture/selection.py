"""Selection of the captured exchanges that count: those of the window, without golden requests, each once."""

from collections.abc import Iterator
from datetime import datetime
from itertools import compress

from pipelines.interface.names import GOLDEN_INFERENCE
from pipelines.monitoring.capture.records import Record
from pipelines.monitoring.capture.seen_ids import SeenIds

MAX_MOMENTS = 50_000
"""Largest number of times whose answers are kept."""


class Selection:
    """Selection for the window from ``begin`` up to but without ``end``; ``duplicates`` counts repeated exchanges."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self.duplicates = 0
        self._begin, self._end = begin, end
        self._seen = SeenIds()
        self._within: dict[str, bool | None] = {}

    def of(self, records: list[Record]) -> tuple[list[Record], list[Record]]:
        """Return the records that count, and those without a readable time."""
        times = [record.event_metadata.inference_time for record in records]
        within = self._judge(set(times))
        undated = []
        if not all(map(within.__getitem__, times)):
            undated = [record for record, text in zip(records, times, strict=True) if within[text] is None]
            records = [record for record, text in zip(records, times, strict=True) if within[text]]
        if any([record.event_metadata.inference_id for record in records]):  # noqa: C419 - twice as fast as a generator
            records = list(_asked_by_callers(records))
        fresh = self._seen.fresh([record.event_metadata.event_id for record in records])
        if fresh.all():
            return records, undated
        self.duplicates += len(fresh) - int(fresh.sum())
        return list(compress(records, fresh.tolist())), undated

    def _judge(self, texts: set[str]) -> dict[str, bool | None]:
        """Return for each time whether it is in the window. Traffic repeats its seconds, so the answers are kept."""
        if len(self._within) > MAX_MOMENTS:
            self._within.clear()
        self._within |= {text: self._is_within(text) for text in texts - self._within.keys()}
        return self._within

    def _is_within(self, text: str) -> bool | None:
        """Return None if ``text`` is no time with an offset."""
        try:
            return self._begin <= datetime.fromisoformat(text) < self._end
        except (ValueError, TypeError):
            return None


def _asked_by_callers(records: list[Record]) -> Iterator[Record]:
    return (record for record in records if not record.event_metadata.inference_id.startswith(GOLDEN_INFERENCE))
