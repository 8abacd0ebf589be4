"""May a candidate be registered? Fails closed: whatever is missing, unreadable or not a number rejects."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.interface.settings import HIGHER_IS_BETTER, Gate


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``reasons`` say in words what was compared, whether it was accepted or not."""

    accepted: bool
    reasons: list[str]


def judge(evaluation: Mapping[str, Any], gate: Gate, *, has_champion: bool) -> Verdict:
    """Judge what the evaluate step wrote (``evaluation.json``) by a model's gate."""
    rejections: list[str] = []
    reasons: list[str] = []

    def require(holds: bool, reason: str) -> None:
        (reasons if holds else rejections).append(reason)

    if gate.metric not in HIGHER_IS_BETTER:
        return Verdict(accepted=False, reasons=[f"metric {gate.metric!r} is none of {sorted(HIGHER_IS_BETTER)}"])
    higher = HIGHER_IS_BETTER[gate.metric]
    rows = _number(evaluation, "rows")
    require(rows >= gate.min_rows, f"{_shown(rows)} held-out rows, {gate.min_rows} wanted")
    value = _number(evaluation, "candidate", gate.metric)
    meets = value >= gate.bound if higher else value <= gate.bound
    require(meets, f"{gate.metric} {_shown(value)}, {'at least' if higher else 'at most'} {gate.bound} wanted")
    for part in ("baseline", "golden"):
        require(_number(evaluation, part, "rows") > 0, f"{part} of {_shown(_number(evaluation, part, 'rows'))} rows")
    _judge_segments(evaluation, gate.metric, require)
    if has_champion:
        low, difference = _number(evaluation, "gain", "low"), _number(evaluation, "gain", "difference")
        of_metric = _at(evaluation, "gain", "metric")
        require(of_metric == gate.metric, f"the gain is measured in {of_metric or 'nothing'}, {gate.metric} wanted")
        require(
            low > gate.min_gain,
            f"gain over the champion {_shown(difference)}, with 95 % confidence above {_shown(low)}; "
            f"more than {gate.min_gain} wanted",
        )
    return Verdict(accepted=not rejections, reasons=rejections or reasons)


def _judge_segments(evaluation: Mapping[str, Any], metric: str, require: Any) -> None:
    segments = evaluation.get("segments")
    if not isinstance(segments, list) or not segments:
        require(False, "no segment was evaluated")
        return
    broken = [
        f"{_at(segment, 'column')}={_at(segment, 'value')}"
        for segment in segments
        if not math.isfinite(_number(segment, "candidate", metric))
    ]
    require(
        not broken, f"{metric} of {len(segments)} segments" + (f", missing in {', '.join(broken)}" if broken else "")
    )


def _at(document: Any, *path: str) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _number(document: Any, *path: str) -> float:
    """The number at ``path``, or NaN, with which every comparison is false."""
    value = _at(document, *path)
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else math.nan


def _shown(value: float) -> str:
    return "missing" if math.isnan(value) else f"{value:.6g}"
