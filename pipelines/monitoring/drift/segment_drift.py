"""Compares the rows of each segment with the segment's own reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.interface.codec import Json, to_json
from pipelines.interface.records import CheckOutcome
from pipelines.interface.settings import Drift
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import Profile
from pipelines.statistics.segment_counts import Segment


@dataclass(frozen=True, kw_only=True)
class SegmentDrift:
    """The drift of one segment. ``most`` is its drifted column of most weight, with its ``effect``.

    ``gap`` is this effect less the column's effect among all rows. They are None and 0 if no column has drifted.
    """

    column: str
    value: str
    outcome: CheckOutcome
    rows: int
    drifted: list[str]
    most: str | None
    effect: float
    gap: float

    def to_document(self) -> dict[str, Json]:
        return to_json(self)


def compare_segments(
    before: Mapping[Segment, Profile],
    now: Mapping[Segment, Profile],
    overall: Decision,
    rules: Drift,
    importance: Mapping[str, float],
    usual: Mapping[str, float],
) -> list[SegmentDrift]:
    """Return all segments, the most changed first. They share the rules' false alarm rate (Bonferroni)."""
    shared = replace(rules, false_alarm_rate=rules.false_alarm_rate / max(1, len(before)), persistence=1)
    effects = {verdict.name: verdict.column.effect for verdict in overall.columns}
    found = []
    for (column, value), reference in before.items():
        decided = decide(
            compare(reference, now.get((column, value)) or reference.empty()),
            shared,
            records=1,
            corrupt=0,
            importance=importance,
            usual=usual,
        )
        # A segment's own column is constant within it.
        drifted = [verdict for verdict in decided.columns if verdict.drifted and verdict.name != column]
        if decided.outcome not in (CheckOutcome.WARNING, CheckOutcome.DRIFT):
            drifted = []
        most = drifted[0] if drifted else None
        found.append(
            SegmentDrift(
                column=column,
                value=value,
                outcome=decided.outcome,
                rows=decided.rows,
                drifted=[verdict.name for verdict in drifted],
                most=most.name if most else None,
                effect=most.column.effect if most else 0.0,
                gap=most.column.effect - effects[most.name] if most else 0.0,
            )
        )
    return sorted(found, key=lambda segment: (-segment.effect, segment.column, segment.value))


def findings(segments: Sequence[SegmentDrift], overall: Decision) -> list[str]:
    """Return findings on columns that drifted in segments only, without the segments' values, which rows hold."""
    known = {verdict.name for verdict in overall.columns if verdict.drifted}
    hidden = {(segment.column, name) for segment in segments for name in segment.drifted if name not in known}
    return [f"{name} has drifted in a segment by {column}, and not among all rows" for column, name in sorted(hidden)]
