"""The gates of a candidate. They fail closed: a missing metric, segment or document rejects it, as NaN does."""

import math
from collections.abc import Mapping

from pipelines.interface.records import EvaluationReport, SegmentEvaluation
from pipelines.interface.requests import Verdict
from pipelines.interface.settings import HIGHER_IS_BETTER, Gate


def judge(evaluation: EvaluationReport, gate: Gate, *, has_champion: bool) -> Verdict:
    """Judge an evaluation by a model's gate; the reasons are the rejections, or all findings if it is accepted."""
    if gate.metric not in HIGHER_IS_BETTER:
        return Verdict(accepted=False, reasons=(f"metric {gate.metric!r} is none of {sorted(HIGHER_IS_BETTER)}",))
    findings = [
        (evaluation.rows >= gate.min_rows, f"{evaluation.rows} held-out rows, {gate.min_rows} wanted"),
        _judge_bound(evaluation.candidate, gate),
        *(
            (rows > 0, f"{part} of {rows} rows")
            for part, rows in (("baseline", evaluation.baseline.rows), ("golden", evaluation.golden.rows))
        ),
        _judge_segments(evaluation.segments, gate.metric),
    ]
    if has_champion:
        findings += _judge_gain(evaluation, gate)
    rejections = tuple(reason for holds, reason in findings if not holds)
    return Verdict(accepted=not rejections, reasons=rejections or tuple(reason for _, reason in findings))


def _judge_bound(metrics: Mapping[str, float], gate: Gate) -> tuple[bool, str]:
    value, higher = metrics.get(gate.metric, math.nan), HIGHER_IS_BETTER[gate.metric]
    # Every comparison with NaN is false.
    holds = value >= gate.bound if higher else value <= gate.bound
    return holds, f"{gate.metric} {_shown(value)}, {'at least' if higher else 'at most'} {gate.bound} wanted"


def _judge_segments(segments: tuple[SegmentEvaluation, ...], metric: str) -> tuple[bool, str]:
    if not segments:
        return False, "no segment was evaluated"
    broken = [
        f"{segment.column}={segment.value}"
        for segment in segments
        if not math.isfinite(segment.candidate.get(metric, math.nan))
    ]
    missing = f", missing in {', '.join(broken)}" if broken else ""
    return not broken, f"{metric} of {len(segments)} segments{missing}"


def _judge_gain(evaluation: EvaluationReport, gate: Gate) -> list[tuple[bool, str]]:
    gain = evaluation.gain
    metric = gain.metric if gain else None
    low, difference = (gain.low, gain.difference) if gain else (math.nan, math.nan)
    return [
        (metric == gate.metric, f"the gain is measured in {metric or 'nothing'}, {gate.metric} wanted"),
        (
            low > gate.min_gain,
            f"gain over the champion {_shown(difference)}, with 95 % confidence above {_shown(low)}; "
            f"more than {gate.min_gain} wanted",
        ),
    ]


def _shown(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "missing"
