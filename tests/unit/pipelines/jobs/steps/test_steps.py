"""The jobs' programs by their command lines, on real flights (every 8th row), as SageMaker would run them."""

import gzip
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipelines.datasets.commits.commits import Commit
from pipelines.flows.retraining.gates import judge
from pipelines.interface.settings import Gate
from pipelines.jobs.training.serving import InvalidRequestError, input_fn, model_fn, output_fn, predict_fn
from pipelines.jobs.training.tabular import MissingFeaturesError
from pipelines.models import flights
from pipelines.monitoring.quality.quality import EvaluationMetrics
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.calibration import Calibration
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import PREDICTION, Profile
from tests.support import laptop


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return laptop.write_months(tmp_path_factory.mktemp("months"), range(1, 4), every=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, months: dict[str, Path]) -> Path:
    """A whole run of late-arrival: validated, trained, evaluated against itself as champion."""
    folder = tmp_path_factory.mktemp("run") / "work"
    laptop.lay_out(folder, months)
    for ran in (
        laptop.validate(folder, "late_arrival", "late"),
        laptop.train(folder, "late_arrival", "late"),
        laptop.evaluate(folder, "late_arrival", task="classification", target="late", metric="auc", champion=folder),
    ):
        assert ran.returncode == 0, ran.stderr
    return folder


def test_months_are_split_by_time(run: Path) -> None:
    report = laptop.read(run / "validation" / "validation.json")
    assert report["training"]["months"] == ["2013-01", "2013-02"]
    assert report["holdout"]["months"] == ["2013-03"]
    assert report["training"]["rows"] + report["holdout"]["rows"] + report["unlabelled"] == report["rows"]
    assert report["unlabelled"] > 0


def test_evaluation_has_all_that_the_gate_wants(run: Path) -> None:
    evaluation = laptop.read(run / "evaluation" / "evaluation.json")
    assert evaluation["candidate"]["auc"] > 0.6
    assert evaluation["gain"]["low"] == evaluation["gain"]["high"] == 0
    gate = Gate(metric="auc", bound=0.6, min_gain=0.0, min_rows=1000)
    assert judge(evaluation, gate, has_champion=False).accepted
    assert not judge(evaluation, gate, has_champion=True).accepted, "no better than the champion, which is itself"


def test_baseline_sees_itself_without_drift(run: Path) -> None:
    profile = Profile.from_document(laptop.read(run / "evaluation" / "baseline.json"))
    assert set(profile.columns) == {*flights.FEATURES, PREDICTION}
    assert all(column.effect == column.psi == 0 for column in compare(profile, profile).columns)


def test_baseline_says_what_matters_to_the_model(run: Path) -> None:
    importance = Baseline.from_document(laptop.read(run / "evaluation" / "baseline.json")).importance
    assert set(importance) == set(flights.FEATURES)
    assert math.isclose(sum(importance.values()), 1)
    usual = Baseline.from_document(laptop.read(run / "evaluation" / "baseline.json")).usual
    assert set(usual) == {*flights.FEATURES, PREDICTION}
    assert usual["temp"] > 0.1 > usual["carrier"], "January is colder than February"
    assert importance["departure_minute"] > 0.1 > importance["day_of_week"], "delays grow over the day"


def test_segments_and_calibration_are_kept_for_the_checks(run: Path) -> None:
    baseline = Baseline.from_document(laptop.read(run / "evaluation" / "baseline.json"))
    assert sorted(baseline.segments) == [("origin", "EWR"), ("origin", "JFK"), ("origin", "LGA")]
    assert sum(profile.rows for profile in baseline.segments.values()) == baseline.profile.rows
    evaluation = laptop.read(run / "evaluation" / "evaluation.json")
    calibration = Calibration(**evaluation["calibration"])
    assert list(calibration.rates) == sorted(calibration.rates)
    assert EvaluationMetrics.from_document(evaluation).columns == ["origin"]


def test_served_model_gives_the_golden_answers(run: Path) -> None:
    model = model_fn(str(run / "model"))
    for request in laptop.read(run / "evaluation" / "golden.json")["requests"]:
        body, kind = output_fn(predict_fn(input_fn(request["body"], "text/csv"), model), "text/csv")
        assert kind == "text/csv"
        assert np.allclose([float(line) for line in body.split()], request["expected"], atol=1e-12)


def test_json_and_csv_get_the_same_answer(run: Path) -> None:
    model, rows = model_fn(str(run / "model")), flights.month_rows(5)[flights.FEATURES].head(3)
    by_csv = predict_fn(input_fn(rows.to_csv(index=False), "text/csv; charset=utf-8"), model)
    by_json = predict_fn(input_fn(rows.to_json(orient="records").encode(), "application/json"), model)
    assert np.allclose(by_csv, by_json)
    assert json.loads(output_fn(by_json, "application/json")[0]) == {"predictions": by_json.tolist()}


def test_bad_requests_are_named(run: Path) -> None:
    model = model_fn(str(run / "model"))
    with pytest.raises(MissingFeaturesError, match="origin, dest"):
        predict_fn(input_fn("carrier\nUA", "text/csv"), model)
    for body, kind in (("", "text/csv"), ("a,b", "text/csv"), ("{", "application/json"), ("x", "text/plain")):
        with pytest.raises(InvalidRequestError):
            input_fn(body, kind)


def test_training_again_gives_the_same_model(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "training", tmp_path / "training")
    assert laptop.train(tmp_path, "late_arrival", "late").returncode == 0
    assert (tmp_path / "model" / "model.joblib").read_bytes() == (run / "model" / "model.joblib").read_bytes()
    assert (tmp_path / "model" / "code" / "pipelines" / "jobs" / "training" / "serving.py").exists()


def test_training_without_the_target_says_so(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "training", tmp_path / "training")
    ran = laptop.train(tmp_path, "late_arrival", "punctual")
    assert ran.returncode != 0
    assert "TrainingInputError: target 'punctual' is no column" in ran.stderr


def test_missing_column_fails_with_its_name(tmp_path: Path) -> None:
    rows = flights.month_rows(1)[::4].drop(columns="temp").assign(distance=-5)
    rows.to_csv(tmp_path / "a.csv", index=False)
    laptop.lay_out(tmp_path / "work", {"a.csv": tmp_path / "a.csv"})
    ran = laptop.validate(tmp_path / "work", "late_arrival", "late")
    assert ran.returncode == 1
    message = (tmp_path / "work" / "message").read_text()
    assert message.startswith("ContractViolatedError: 2 violations")
    assert "temp: the column is missing" in message
    assert "distance: below 10" in message
    report = laptop.read(tmp_path / "work" / "validation" / "validation.json")
    assert report["outcome"] == "failed"
    assert [(violation["column"], violation["rule"]) for violation in report["violations"]] == [
        ("distance", "min"),
        ("temp", "missing"),
    ]
    assert not (tmp_path / "work" / "training").exists(), "nothing is left to train on"


def test_values_of_rows_are_in_the_examples_alone(tmp_path: Path) -> None:
    rows = flights.month_rows(1)[::4].astype("object").reset_index(drop=True)
    rows.loc[5, "dest"] = None
    rows.loc[7, "origin"] = "Ada Lovelace"
    rows.loc[9, "temp"] = "Ada Lovelace"
    rows.to_csv(tmp_path / "a.csv", index=False)
    laptop.lay_out(tmp_path / "work", {"a.csv": tmp_path / "a.csv"})
    ran = laptop.validate(tmp_path / "work", "late_arrival", "late")
    assert ran.returncode == 1
    examples = laptop.read(tmp_path / "work" / "validation" / "examples.json")["examples"]
    assert [(each["column"], each["rule"], each["file"], each["row"]) for each in examples] == [
        ("origin", "allowed", "a.csv", 8),
        ("dest", "nullable", "a.csv", 6),
        ("temp", "type", "a.csv", 10),
    ]
    assert examples[0]["values"] == {"origin": "Ada Lovelace"}
    message = (tmp_path / "work" / "message").read_text()
    assert message.startswith("ContractViolatedError: 3 violations")
    kept = (tmp_path / "work" / "validation" / "validation.json").read_text()
    assert not any("Lovelace" in text for text in (ran.stdout, ran.stderr, message, kept))


def test_settings_that_the_contract_does_not_know_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    laptop.lay_out(tmp_path / "work", {"a.csv": tmp_path / "a.csv"})
    assert laptop.validate(tmp_path / "work", "late_arrival", "punctual").returncode == 1
    assert "target 'punctual' is no column" in (tmp_path / "work" / "message").read_text()


def test_too_few_months_are_named(tmp_path: Path, months: dict[str, Path]) -> None:
    january = flights.month_name(1)
    laptop.lay_out(tmp_path / "work", {january: months[january]})
    assert laptop.validate(tmp_path / "work", "late_arrival", "late").returncode == 1
    message = (tmp_path / "work" / "message").read_text()
    assert message == (
        "TooShortError: the data span 2013-01 to 2013-01: with 1 months held out none is left to train on"
    )


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "é".encode("latin-1"), "not UTF-8"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 1000, mtime=0)[:20], "damaged gzip"),
        ("a.xlsx", b"PK", "files end in"),
        ("a.parquet", b"PAR?", "a.parquet"),
    ],
)
def test_unreadable_file_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    laptop.lay_out(tmp_path / "work", {name: tmp_path / name})
    assert laptop.validate(tmp_path / "work", "late_arrival", "late").returncode == 1
    message = (tmp_path / "work" / "message").read_text()
    assert message.startswith(f"UnreadableFileError: {name}")
    assert reason in message


def test_other_bytes_than_the_commits_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    laptop.lay_out(tmp_path / "work", {"a.csv": tmp_path / "a.csv"})
    commit = Commit.from_document(laptop.read(tmp_path / "work" / "commit" / "commit.json"))
    (tmp_path / "work" / "data" / commit.files[0].sha256).write_text("a\n2\n")
    assert laptop.validate(tmp_path / "work", "late_arrival", "late").returncode == 1
    assert "CorruptObjectError: a.csv" in (tmp_path / "work" / "message").read_text()


def test_months_give_the_same_bytes_every_time() -> None:
    assert flights.month_csv(2) == flights.month_csv(2)
    assert len(flights.month_rows(6)) == 28243
