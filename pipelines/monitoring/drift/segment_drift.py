"""Whether the rows of a segment have changed, each segment against its own reference."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipelines.interface.settings import Drift
from pipelines.monitoring.drift.decision import DRIFT, WARNING, Decision, decide
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import Profile
from pipelines.statistics.segment_counts import Segment


@dataclass(frozen=True, kw_only=True)
class SegmentDrift:
    """One segment. ``most`` is the drifted column that matters most there, and ``effect`` how far it moved; ``gap`` is
    how much further than among all rows. None and 0 where no column has drifted."""

    column: str
    value: str
    outcome: str
    rows: int
    drifted: list[str]
    most: str | None
    effect: float
    gap: float

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def compare_segments(
    before: Mapping[Segment, Profile],
    now: Mapping[Segment, Profile],
    overall: Decision,
    rules: Drift,
    importance: Mapping[str, float],
    usual: Mapping[str, float],
) -> list[SegmentDrift]:
    """All segments, the most changed first. They share the rules' false alarm rate (Bonferroni)."""
    shared = replace(rules, false_alarm_rate=rules.false_alarm_rate / max(1, len(before)), persistence=1)
    effects = {judged.name: judged.column.effect for judged in overall.columns}
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
        # Within a segment its own column is constant, and says nothing.
        drifted = [judged for judged in decided.columns if judged.drifted and judged.name != column]
        if decided.outcome not in (WARNING, DRIFT):
            drifted = []
        most = drifted[0] if drifted else None
        found.append(
            SegmentDrift(
                column=column,
                value=value,
                outcome=decided.outcome,
                rows=decided.rows,
                drifted=[judged.name for judged in drifted],
                most=most.name if most else None,
                effect=most.column.effect if most else 0.0,
                gap=most.column.effect - effects[most.name] if most else 0.0,
            )
        )
    return sorted(found, key=lambda segment: (-segment.effect, segment.column, segment.value))


def findings(segments: Sequence[SegmentDrift], overall: Decision) -> list[str]:
    """What the segments show and all rows together do not; without the segments' values, which are those of rows."""
    known = {judged.name for judged in overall.columns if judged.drifted}
    hidden = {(segment.column, name) for segment in segments for name in segment.drifted if name not in known}
    return [f"{name} has drifted in a segment by {column}, and not among all rows" for column, name in sorted(hidden)]
