"""Concludes a check: turns counts into a record, a document, an event and an alert, without AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.interface.codec import JsonObject, to_json
from pipelines.interface.events import DriftFound
from pipelines.interface.metrics import Metric
from pipelines.interface.records import Check, CheckOutcome, EvaluationReport, SegmentChange
from pipelines.interface.settings import ModelSettings
from pipelines.monitoring.drift.counting import WindowCounts
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.monitoring.drift.report import first_line
from pipelines.monitoring.drift.segment_drift import SegmentDrift, compare_segments, findings
from pipelines.monitoring.quality.estimate import estimate
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.comparison import compare
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.profile import PREDICTION


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The result of a check. ``check`` is for the ledger, ``document`` for check.json.

    ``metrics``, ``event`` and ``alert`` are published if the version serves. ``alert`` is a message if the traffic
    drifted or the input is broken, and the last conclusive check had another outcome; else None.
    """

    check: Check
    decision: Decision
    document: JsonObject
    metrics: Mapping[Metric, int]
    event: DriftFound | None
    alert: str | None


def conclude(
    begun: Check,
    counts: WindowCounts,
    *,
    settings: ModelSettings,
    baseline: Baseline,
    evaluation: EvaluationReport | None,
    earlier: Sequence[Check],
    before: CheckOutcome | None,
) -> Conclusion:
    """Compare a window's counts with the baseline, and conclude.

    Parameters
    ----------
    begun
        The check before anything was counted.
    evaluation
        The version's evaluation, for its calibration; None if there is none.
    earlier
        The version's checks of earlier windows, the latest first.
    before
        The outcome of the last conclusive check, broken input included; None if there is none. If this window was
        checked before, it is that check's.
    """
    tally = counts.tally
    corrupt = tally.corrupt + len(tally.damaged)
    decision = decide(
        compare(baseline.profile, counts.profile),
        settings.drift,
        records=tally.records,
        corrupt=corrupt,
        importance=baseline.importance,
        usual=baseline.usual,
        earlier=[[column.name for column in check.worst] for check in earlier],
    )
    segments = compare_segments(
        baseline.segments, counts.segments, decision, settings.drift, baseline.importance, baseline.usual
    )
    decision = replace(decision, findings=[*decision.findings, *findings(segments, decision)])
    check = replace(
        begun,
        outcome=decision.outcome,
        rows=decision.rows,
        worst=decision.worst,
        files=tally.files,
        records=tally.records,
        corrupt_records=tally.corrupt,
        damaged_files=len(tally.damaged),
        duplicates=tally.duplicates,
        predictions=_predictions(counts, settings.task, evaluation),
        findings=tuple(decision.findings),
        worst_segment=_worst_segment(segments),
    )
    document = {
        **to_json(check),
        **decision.to_document(),
        "damaged": dict(tally.damaged),
        "segments": [segment.to_document() for segment in segments],
    }
    return Conclusion(
        check=check,
        decision=decision,
        document=document,
        metrics=_metrics(decision),
        event=_event(check, decision, settings.training_stage),
        alert=_alert(check, decision) if check.outcome != before else None,
    )


def in_words(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in values.items())


def _predictions(counts: WindowCounts, task: str, evaluation: EvaluationReport | None) -> dict[str, float]:
    """Return the mean prediction and, for classes, the share of positives and metrics estimated without labels."""
    column = counts.profile.columns.get(PREDICTION)
    if not isinstance(column, NumberColumn) or not column.counts.sum():
        return {}
    found = {"mean": column.sums.mean}
    if task == "classification":
        found["positive_share"] = counts.positives / int(column.counts.sum())
        if evaluation and evaluation.calibration:
            found |= estimate(column, evaluation.calibration)
    return found


def _worst_segment(segments: Sequence[SegmentDrift]) -> SegmentChange | None:
    """Return the most changed segment without its value, which is one of a row."""
    worst = segments[0] if segments else None
    if worst is None or not worst.most:
        return None
    return SegmentChange(by=worst.column, column=worst.most, effect=worst.effect, gap=worst.gap)


def _metrics(decision: Decision) -> dict[Metric, int]:
    return {
        Metric.DRIFT: int(decision.outcome == CheckOutcome.DRIFT),
        Metric.BROKEN_INPUT: int(decision.outcome == CheckOutcome.BROKEN_INPUT),
    }


def _event(check: Check, decision: Decision, training_stage: str) -> DriftFound | None:
    if check.outcome != CheckOutcome.DRIFT:
        return None
    worst = tuple(verdict.name for verdict in decision.columns if verdict.drifted)
    return DriftFound(
        model=check.model,
        training_stage=training_stage,
        version=check.version,
        check_id=check.check_id,
        worst=worst,
    )


def _alert(check: Check, decision: Decision) -> str | None:
    if check.outcome not in (CheckOutcome.BROKEN_INPUT, CheckOutcome.DRIFT):
        return None
    return "\n".join([*decision.findings, "", first_line(decision), f"Check: {check.check_id}"])
