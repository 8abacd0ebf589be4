"""Tests which evaluations count as the same model again."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.flows.retraining.recipe import applied, recipe_of
from pipelines.flows.retraining.reproduction import compare
from pipelines.interface.records import EvaluationReport, MetricPair, RunOutcome
from pipelines.interface.settings import Gate
from pipelines.jobs.evaluation.artifact import content_sha256
from tests.support import laptop
from tests.support.evaluations import evaluation
from tests.support.world import MODEL, settings

PACKAGE = MODEL.package_arn(1)
EVALUATION = evaluation(
    candidate={"auc": 0.7523, "brier": 0.2},
    candidate_content_sha256="a" * 64,
    training_rows_sha256="b" * 64,
    holdout_rows_sha256="c" * 64,
)


def test_equal_evaluations_are_exactly_reproduced() -> None:
    found = compare(PACKAGE, EVALUATION, EVALUATION)
    assert (found.outcome, found.exact, found.artifact) == (RunOutcome.REPRODUCED, True, "equal")
    assert found.differences == ()
    assert found.package_arn == PACKAGE
    assert found.metrics["auc"] == MetricPair(recorded=0.7523, reproduced=0.7523)


def test_rounding_is_within_the_tolerance_but_not_exact() -> None:
    rounded = replace(EVALUATION, candidate={"auc": 0.7523 * (1 + 1e-12), "brier": 0.2})
    found = compare(PACKAGE, EVALUATION, rounded)
    assert (found.outcome, found.exact) == (RunOutcome.REPRODUCED, False)


def test_equal_metrics_of_another_artifact_are_a_reproduction_with_another_artifact() -> None:
    found = compare(PACKAGE, EVALUATION, replace(EVALUATION, candidate_content_sha256="f" * 64))
    assert (found.outcome, found.exact, found.artifact) == (RunOutcome.REPRODUCED, True, "differs")
    assert found.differences == ("artifact: other content",)


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        (replace(EVALUATION, candidate={"auc": 0.7524, "brier": 0.2}), "auc: 0.7523 recorded, 0.7524 now"),
        (replace(EVALUATION, candidate={"auc": 0.7523}), "brier: 0.2 recorded, None now"),
        (replace(EVALUATION, candidate={**EVALUATION.candidate, "new": 1.0}), "new: None recorded, 1.0 now"),
        (replace(EVALUATION, rows=999), "held-out rows: 1000 recorded, 999 now"),
        (replace(EVALUATION, training_rows_sha256="f" * 64), "training rows: other content"),
        (replace(EVALUATION, holdout_rows_sha256="f" * 64), "holdout rows: other content"),
    ],
)
def test_difference_is_named(found: EvaluationReport, difference: str) -> None:
    compared = compare(PACKAGE, EVALUATION, found)
    assert compared.outcome == RunOutcome.DIFFERS
    assert difference in compared.differences


def test_artifact_without_recorded_content_is_compared_with_the_original() -> None:
    old = evaluation(candidate=EVALUATION.candidate)
    assert compare(PACKAGE, old, EVALUATION).artifact == "unknown"
    assert compare(PACKAGE, old, replace(EVALUATION, champion_content_sha256="a" * 64)).artifact == "equal"
    assert compare(PACKAGE, old, replace(EVALUATION, champion_content_sha256="f" * 64)).artifact == "differs"
    assert compare(PACKAGE, old, EVALUATION).outcome == RunOutcome.REPRODUCED


def test_recipe_puts_back_the_settings_that_decide_the_result_and_no_others() -> None:
    then = settings(hyperparameters={"max_iter": "9"}, image="old", window_months=2)
    gate = Gate(metric="auc", bound=0.9, min_gain=0.5, min_rows=7)
    now = settings(gate=gate, approval="automatic", image="new")
    again = applied(now, recipe_of(then, code_sha256="d" * 64, packages_sha256="e" * 64))
    assert (again.image, again.window_months, again.hyperparameters) == ("old", 2, {"max_iter": "9"})
    assert (again.gate, again.approval) == (gate, "automatic")


@pytest.mark.parametrize(("model", "target"), [("late_arrival", "late"), ("air_time", "air_time")])
def test_example_trainers_are_deterministic(
    tmp_path: Path, model: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # scikit-learn writes the number of threads into a model; on the same instance type it is the same.
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    months = laptop.write_months(tmp_path / "months", range(1, 3), every=8)
    laptop.lay_out(tmp_path, months)
    assert laptop.validate(tmp_path, model, target).returncode == 0
    digests, archives = [], []
    for _ in range(2):
        assert laptop.train(tmp_path, model, target).returncode == 0
        shutil.rmtree(
            tmp_path / "model" / "code"
        )  # It is a copy of the repository's files, which may change meanwhile.
        digests.append(content_sha256(tmp_path / "model"))
        archives.append((tmp_path / "model.tar.gz").read_bytes())
    assert digests[0] == digests[1]
    assert archives[0] != archives[1], "the archives carry times"
