"""Profiles of the segments of a table: the rows that have one value in one column."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from pipelines.statistics.profile import Profile
from pipelines.statistics.values import Values

Segment = tuple[str, str]
"""A column and a value of it, as text."""
MAX_ROWS = 20_000
"""Of each segment and batch, the first ones: more would show little more, and all columns are counted once more."""


class SegmentCounts:
    """``profiles`` of the segments, each on the layout that its reference fixes."""

    def __init__(self, layouts: Mapping[Segment, Profile]) -> None:
        self.profiles = {segment: layout.empty() for segment, layout in layouts.items()}
        self._values: dict[str, list[str]] = {}
        for column, value in layouts:
            self._values.setdefault(column, []).append(value)

    def add(self, table: Mapping[str, Values]) -> None:
        """Count the rows of those segments that have not been counted often enough."""
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
    """The profiles of both; a segment of one alone stays as it is."""
    return {
        segment: one[segment].merge(two[segment])
        if segment in one and segment in two
        else one.get(segment) or two[segment]
        for segment in {**one, **two}
    }


def to_document(profiles: Mapping[Segment, Profile]) -> list[dict[str, Any]]:
    return [
        {"column": column, "value": value, "profile": profile.to_document()}
        for (column, value), profile in profiles.items()
    ]


def from_document(document: Collection[Mapping[str, Any]]) -> dict[Segment, Profile]:
    return {(part["column"], part["value"]): Profile.from_document(part["profile"]) for part in document}


def _chosen(values: Values, rows: list[int]) -> Values:
    return values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
