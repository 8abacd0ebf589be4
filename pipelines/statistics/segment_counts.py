"""Profiles of a table's segments. A segment is the rows that have one value in one column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.statistics.profile import Profile, ProfileDocument
from pipelines.statistics.values import Values

Segment = tuple[str, str]
"""A column and one of its values, as text."""
MAX_ROWS = 20_000
"""Number of a segment's rows from which on a batch counts no more of them.

More rows would show little more, and all columns are counted a second time for a segment.
"""


@dataclass(frozen=True, kw_only=True)
class SegmentDocument:
    """A segment's profile as JSON."""

    column: str
    value: str
    profile: ProfileDocument


class SegmentCounts:
    """Counter of segments. ``profiles`` are on the layouts that the segments' references fix."""

    def __init__(self, layouts: Mapping[Segment, Profile]) -> None:
        self.profiles = {segment: layout.empty() for segment, layout in layouts.items()}
        self._values: dict[str, list[str]] = {}
        for column, value in layouts:
            self._values.setdefault(column, []).append(value)

    def add(self, table: Mapping[str, Values]) -> None:
        """Count the rows of the segments that have fewer than ``MAX_ROWS``."""
        for column, values in self._values.items():
            wanted = [value for value in values if self.profiles[column, value].rows < MAX_ROWS]
            if column not in table or not wanted:
                continue
            rows: dict[str, list[int]] = {value: [] for value in wanted}
            for row, value in enumerate(table[column]):
                if (found := rows.get(value if isinstance(value, str) else str(value))) is not None:
                    found.append(row)
            for value, chosen in rows.items():
                if chosen:
                    part = {name: _chosen(of, chosen) for name, of in table.items()}
                    self.profiles[column, value].add(len(chosen), part)


def merge(one: Mapping[Segment, Profile], two: Mapping[Segment, Profile]) -> dict[Segment, Profile]:
    """Return the profiles of both; a segment that only one of them has stays as it is."""
    return {
        segment: one[segment].merge(two[segment])
        if segment in one and segment in two
        else one.get(segment) or two[segment]
        for segment in {**one, **two}
    }


def to_documents(profiles: Mapping[Segment, Profile]) -> tuple[SegmentDocument, ...]:
    return tuple(
        SegmentDocument(column=column, value=value, profile=profile.to_document())
        for (column, value), profile in profiles.items()
    )


def from_documents(documents: Iterable[SegmentDocument]) -> dict[Segment, Profile]:
    return {(part.column, part.value): Profile.from_document(part.profile) for part in documents}


def _chosen(values: Values, rows: list[int]) -> Values:
    return values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
