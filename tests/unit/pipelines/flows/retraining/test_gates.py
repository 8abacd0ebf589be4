"""Tests the gates of a candidate: they accept a better one, and reject whatever is missing, NaN or worse."""

import math
from dataclasses import replace
from typing import Any

import pytest

from pipelines.flows.retraining.gates import judge
from pipelines.interface.records import EvaluationReport, Gain, RowCount
from pipelines.interface.requests import Verdict
from pipelines.interface.settings import HIGHER_IS_BETTER, Gate
from tests.support.evaluations import evaluation, segment

GATE = Gate(metric="auc", bound=0.6, min_gain=0.0, min_rows=100)
GAIN = Gain(metric="auc", difference=0.05, low=0.04, high=0.06, samples=200, seed=0)
EVALUATION = evaluation(candidate={"auc": 0.75}, champion={"auc": 0.70}, gain=GAIN)


def changed(**changes: Any) -> EvaluationReport:
    return replace(EVALUATION, **changes)


def gained(**changes: Any) -> EvaluationReport:
    return replace(EVALUATION, gain=replace(GAIN, **changes))


def rejections(report: EvaluationReport, gate: Gate = GATE, *, has_champion: bool = True) -> tuple[str, ...]:
    """Return the reasons of a rejection; the candidate must be rejected."""
    verdict = judge(report, gate, has_champion=has_champion)
    assert not verdict.accepted
    return verdict.reasons


def test_better_candidate_is_accepted_with_what_was_compared() -> None:
    assert judge(EVALUATION, GATE, has_champion=True) == Verdict(
        accepted=True,
        reasons=(
            "1000 held-out rows, 100 wanted",
            "auc 0.75, at least 0.6 wanted",
            "baseline of 5000 rows",
            "golden of 8 rows",
            "auc of 1 segments",
            "the gain is measured in auc, auc wanted",
            "gain over the champion 0.05, with 95 % confidence above 0.04; more than 0.0 wanted",
        ),
    )


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (changed(rows=99), "99 held-out rows, 100 wanted"),
        (changed(candidate={"auc": 0.59}), "auc 0.59, at least 0.6 wanted"),
        (changed(candidate={"auc": math.nan}), "auc missing, at least 0.6 wanted"),
        (changed(candidate={"brier": 0.1}), "auc missing, at least 0.6 wanted"),
        (changed(candidate={}), "auc missing, at least 0.6 wanted"),
        (gained(low=0.0), "gain over the champion 0.05, with 95 % confidence above 0; more than 0.0 wanted"),
        (gained(low=math.nan), "gain over the champion 0.05, with 95 % confidence above missing; more than 0.0 wanted"),
        (gained(metric="brier"), "the gain is measured in brier, auc wanted"),
        (changed(gain=None), "the gain is measured in nothing, auc wanted"),
        (changed(segments=()), "no segment was evaluated"),
        (changed(segments=(segment("JFK", {"auc": math.nan}),)), "auc of 1 segments, missing in origin=JFK"),
        (
            changed(segments=(segment("EWR", {"auc": 0.7}), segment("JFK", {"brier": 0.1}))),
            "auc of 2 segments, missing in origin=JFK",
        ),
        (changed(baseline=RowCount(rows=0)), "baseline of 0 rows"),
        (changed(golden=RowCount(rows=0)), "golden of 0 rows"),
    ],
)
def test_gate_fails_closed_and_says_why(report: EvaluationReport, reason: str) -> None:
    assert reason in rejections(report)


def test_rejection_names_every_reason_and_nothing_that_holds() -> None:
    report = changed(rows=1, candidate={"auc": 0.1}, golden=RowCount(rows=0))
    assert len(rejections(report)) == 3


def test_gain_does_not_matter_without_a_champion() -> None:
    first = changed(champion=None, gain=None)
    assert judge(first, GATE, has_champion=False).accepted
    assert len(rejections(first)) == 2


def test_unknown_metric_rejects() -> None:
    for metric in ("bias", "accuracy", ""):
        gate = replace(GATE, metric=metric)
        [reason] = rejections(changed(candidate={metric: 0.9}), gate, has_champion=False)
        assert repr(metric) in reason


@pytest.mark.parametrize("metric", HIGHER_IS_BETTER)
def test_bound_is_the_worst_value_that_may_serve(metric: str) -> None:
    gate = Gate(metric=metric, bound=0.5, min_gain=0.0, min_rows=100)
    worse = -0.01 if HIGHER_IS_BETTER[metric] else 0.01
    for value, accepted in ((0.5, True), (0.5 + worse, False), (0.5 - worse, True)):
        report = changed(candidate={metric: value}, segments=(segment("JFK", {metric: value}),))
        assert judge(report, gate, has_champion=False).accepted == accepted


def test_lower_is_better_for_an_error() -> None:
    gate = Gate(metric="mae", bound=10, min_gain=0.1, min_rows=100)
    gain = Gain(metric="mae", difference=0.5, low=0.2, high=0.8, samples=200, seed=0)
    report = changed(candidate={"mae": 9.0}, gain=gain, segments=(segment("JFK", {"mae": 9.0}),))
    assert judge(report, gate, has_champion=True).accepted
    assert not judge(replace(report, candidate={"mae": 10.5}), gate, has_champion=True).accepted
