"""What counts as the same model again."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.flows.retraining.recipe import applied, recipe_of
from pipelines.flows.retraining.reproduction import compare
from pipelines.interface.settings import Gate, ModelSettings
from pipelines.jobs.evaluation.artifact import content_sha256
from tests.support import laptop
from tests.support.world import settings

EVALUATION: dict[str, Any] = {
    "rows": 1000,
    "candidate": {"auc": 0.7523, "brier": 0.2},
    "candidate_content_sha256": "a" * 64,
    "training_rows_sha256": "b" * 64,
    "holdout_rows_sha256": "c" * 64,
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**EVALUATION, **changes}


def test_the_same_is_exact() -> None:
    found = compare(EVALUATION, EVALUATION)
    assert (found["outcome"], found["exact"], found["artifact"], found["differences"]) == (
        "reproduced",
        True,
        "equal",
        [],
    )


def test_rounding_is_within_the_tolerance_but_not_exact() -> None:
    found = compare(EVALUATION, changed(candidate={"auc": 0.7523 * (1 + 1e-12), "brier": 0.2}))
    assert (found["outcome"], found["exact"]) == ("reproduced", False)


def test_equal_metrics_of_another_artifact_are_said_to_be_just_that() -> None:
    found = compare(EVALUATION, changed(candidate_content_sha256="f" * 64))
    assert (found["outcome"], found["exact"], found["artifact"]) == ("reproduced", True, "differs")
    assert found["differences"] == ["artifact: other content"]


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        (changed(candidate={"auc": 0.7524, "brier": 0.2}), "auc: 0.7523 recorded, 0.7524 now"),
        (changed(candidate={"auc": 0.7523}), "brier: 0.2 recorded, None now"),
        (changed(candidate={**EVALUATION["candidate"], "new": 1.0}), "new: None recorded, 1.0 now"),
        (changed(rows=999), "held-out rows: 1000 recorded, 999 now"),
        (changed(training_rows_sha256="f" * 64), "training rows: other content"),
        (changed(holdout_rows_sha256="f" * 64), "holdout rows: other content"),
    ],
)
def test_what_differs_is_named(found: dict[str, Any], difference: str) -> None:
    compared = compare(EVALUATION, found)
    assert compared["outcome"] == "differs"
    assert difference in compared["differences"]


def test_of_an_artifact_that_was_recorded_without_its_content_the_original_is_looked_at() -> None:
    old = {name: value for name, value in EVALUATION.items() if name in ("rows", "candidate")}
    assert compare(old, EVALUATION)["artifact"] == "unknown"
    assert compare(old, changed(champion_content_sha256="a" * 64))["artifact"] == "equal"
    assert compare(old, changed(champion_content_sha256="f" * 64))["artifact"] == "differs"
    assert compare(old, EVALUATION)["outcome"] == "reproduced"


def test_recipe_puts_back_what_decides_the_result_and_nothing_else() -> None:
    then = settings(hyperparameters={"max_iter": "9"}, image="old", window_months=2)
    gate = Gate(metric="auc", bound=0.9, min_gain=0.5, min_rows=7)
    now = settings(gate=gate, approval="automatic", image="new")
    again: ModelSettings = applied(now, recipe_of(then, code_sha256="d" * 64, packages_sha256="e" * 64))
    assert (again.image, again.window_months, again.hyperparameters) == ("old", 2, {"max_iter": "9"})
    assert (again.gate, again.approval) == (gate, "automatic")


@pytest.mark.parametrize(("model", "target"), [("late_arrival", "late"), ("air_time", "air_time")])
def test_example_trainers_are_deterministic(
    tmp_path: Path, model: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # scikit-learn writes into a model how many threads it was made with: the same instance type has as many.
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    months = laptop.write_months(tmp_path / "months", range(1, 3), every=8)
    laptop.lay_out(tmp_path, months)
    assert laptop.validate(tmp_path, model, target).returncode == 0
    digests, archives = [], []
    for _ in range(2):
        assert laptop.train(tmp_path, model, target).returncode == 0
        shutil.rmtree(tmp_path / "model" / "code")  # It is the repository's, and somebody may be writing it.
        digests.append(content_sha256(tmp_path / "model"))
        archives.append((tmp_path / "model.tar.gz").read_bytes())
    assert digests[0] == digests[1]
    assert archives[0] != archives[1], "the archives carry times"
