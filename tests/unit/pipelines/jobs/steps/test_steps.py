"""The jobs' programs by their command lines, on real flights (every 4th row), as SageMaker runs them."""

import gzip
import json
import math
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pipelines.flows.retraining.gates import judge
from pipelines.interface.codec import to_json
from pipelines.interface.records import EvaluationReport, GoldenRequests, ValidationReport
from pipelines.interface.settings import Gate
from pipelines.jobs.training.serving import InvalidRequestError, Model, input_fn, model_fn, output_fn, predict_fn
from pipelines.jobs.training.tabular import MissingFeaturesError
from pipelines.jobs.validation.commit import CommitManifest
from pipelines.jobs.validation.violations import ExampleRecord, ExamplesReport
from pipelines.models import flights
from pipelines.monitoring.quality.quality import EvaluationMetrics
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import PREDICTION
from tests.support import laptop

Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return laptop.write_months(tmp_path_factory.mktemp("months"), range(1, 4), every=4)


@dataclass(frozen=True, kw_only=True)
class WholeRun:
    """A whole run of late-arrival in ``folder``, evaluated against itself as champion."""

    folder: Path
    validated: Ran
    trained: Ran
    evaluated: Ran

    @property
    def validation(self) -> ValidationReport:
        return laptop.read(ValidationReport, self.folder / "validation" / "validation.json")

    @property
    def evaluation(self) -> EvaluationReport:
        return laptop.read(EvaluationReport, self.folder / "evaluation" / "evaluation.json")

    @property
    def baseline(self) -> Baseline:
        return Baseline.from_document(json.loads((self.folder / "evaluation" / "baseline.json").read_bytes()))

    @property
    def model(self) -> Model:
        return model_fn(str(self.folder / "model"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, months: dict[str, Path]) -> WholeRun:
    folder = tmp_path_factory.mktemp("run") / "work"
    laptop.lay_out(folder, months)
    found = WholeRun(
        folder=folder,
        validated=laptop.validate(folder, "late_arrival", "late"),
        trained=laptop.train(folder, "late_arrival", "late"),
        evaluated=laptop.evaluate(
            folder, "late_arrival", task="classification", target="late", metric="auc", champion=folder
        ),
    )
    for ran in (found.validated, found.trained, found.evaluated):
        assert ran.returncode == 0, ran.stderr
    return found


def test_months_are_split_by_time(run: WholeRun) -> None:
    report = run.validation
    assert report.training
    assert report.holdout
    assert report.training.months == ("2013-01", "2013-02")
    assert report.holdout.months == ("2013-03",)
    assert report.training.rows + report.holdout.rows + report.unlabelled == report.rows
    assert report.unlabelled > 0


def test_evaluation_has_everything_that_the_gate_needs(run: WholeRun) -> None:
    evaluation = run.evaluation
    assert evaluation.candidate["auc"] > 0.6
    assert evaluation.gain
    assert evaluation.gain.low == evaluation.gain.high == 0
    gate = Gate(metric="auc", bound=0.6, min_gain=0.0, min_rows=1000)
    assert judge(evaluation, gate, has_champion=False).accepted
    assert not judge(evaluation, gate, has_champion=True).accepted, "no better than the champion, which is itself"


def test_baseline_has_no_drift_against_itself(run: WholeRun) -> None:
    profile = run.baseline.profile
    assert set(profile.columns) == {*flights.FEATURES, PREDICTION}
    assert all(column.effect == column.psi == 0 for column in compare(profile, profile).columns)


def test_baseline_has_importance_and_usual_effects(run: WholeRun) -> None:
    importance, usual = run.baseline.importance, run.baseline.usual
    assert set(importance) == set(flights.FEATURES)
    assert math.isclose(sum(importance.values()), 1)
    assert set(usual) == {*flights.FEATURES, PREDICTION}
    assert usual["temp"] > 0.1 > usual["carrier"], "January is colder than February"
    assert importance["departure_minute"] > 0.1 > importance["day_of_week"], "delays grow over the day"


def test_segments_and_calibration_are_kept_for_the_checks(run: WholeRun) -> None:
    baseline = run.baseline
    assert sorted(baseline.segments) == [("origin", "EWR"), ("origin", "JFK"), ("origin", "LGA")]
    assert sum(profile.rows for profile in baseline.segments.values()) == baseline.profile.rows
    assert run.evaluation.calibration
    rates = list(run.evaluation.calibration.rates)
    assert rates == sorted(rates)
    assert EvaluationMetrics.from_report(run.evaluation).columns == ["origin"]


def test_every_job_logs_its_decision(run: WholeRun) -> None:
    report, evaluation = run.validation, run.evaluation
    assert report.training
    assert report.holdout
    assert laptop.log_lines(run.validated) == [
        {
            "level": "INFO",
            "message": "data validated",
            "run": laptop.RUN,
            "commit": report.commit,
            "files": 3,
            "rows": report.rows,
            "unlabelled": report.unlabelled,
            "training": to_json(report.training),
            "holdout": to_json(report.holdout),
        }
    ]
    [trained] = laptop.log_lines(run.trained)
    assert trained.pop("seconds") > 0
    assert trained == {
        "level": "INFO",
        "message": "model trained",
        "job": laptop.TRAINING_JOB,
        "run": laptop.RUN,
        "rows": report.training.rows,
        "features": len(flights.FEATURES),
    }
    [evaluated] = laptop.log_lines(run.evaluated)
    assert evaluated["message"] == "candidate evaluated"
    assert (evaluated["candidate"], evaluated["champion"]) == (evaluation.candidate, evaluation.champion)
    assert evaluated["gain"] == to_json(evaluation.gain)


def test_serving_logs_that_the_model_is_loaded(run: WholeRun, capsys: pytest.CaptureFixture[str]) -> None:
    features = run.model.features
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["features"]) == ("model loaded", len(features))


def test_served_model_gives_the_golden_answers(run: WholeRun) -> None:
    for request in laptop.read(GoldenRequests, run.folder / "evaluation" / "golden.json").requests:
        body, kind = output_fn(predict_fn(input_fn(request.body, "text/csv"), run.model), "text/csv")
        assert kind == "text/csv"
        assert np.allclose([float(line) for line in body.split()], request.expected, atol=1e-12)


def test_json_and_csv_get_the_same_answer(run: WholeRun) -> None:
    model, rows = run.model, flights.month_rows(5)[flights.FEATURES].head(3)
    by_csv = predict_fn(input_fn(rows.to_csv(index=False), "text/csv; charset=utf-8"), model)
    by_json = predict_fn(input_fn(rows.to_json(orient="records").encode(), "application/json"), model)
    assert np.allclose(by_csv, by_json)
    assert json.loads(output_fn(by_json, "application/json")[0]) == {"predictions": by_json.tolist()}


def test_missing_columns_of_a_request_are_named_with_all_that_the_model_needs(run: WholeRun) -> None:
    with pytest.raises(MissingFeaturesError) as raised:
        predict_fn(input_fn("carrier,colour\nUA,blue", "text/csv"), run.model)
    assert str(raised.value) == (
        f"missing columns: {', '.join(name for name in flights.FEATURES if name != 'carrier')}; "
        f"given: carrier, colour; send {', '.join(flights.FEATURES)} with every row, "
        "and leave a value empty (in JSON: null) that is not known"
    )


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ("", "text/csv", "the request is no text/csv: .*; send a header row and one line for each row"),
        ("a,b", "text/csv", "the request has no rows: send a header row and one line for each row"),
        ("{", "application/json", "the request is no application/json: .*; send one object, or an array of"),
        ("[]", "application/json", "the request has no rows: send one object, or an array of at least one object"),
        (b"\xff", "text/csv", "the request is no text/csv: .*utf-8"),
        ("x", "text/plain", "the content type is 'text/plain': send text/csv or application/json"),
    ],
)
def test_unreadable_requests_are_answered_with_what_to_send(body: str | bytes, kind: str, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        input_fn(body, kind)


def test_training_again_gives_the_same_model(run: WholeRun, tmp_path: Path) -> None:
    shutil.copytree(run.folder / "training", tmp_path / "training")
    assert laptop.train(tmp_path, "late_arrival", "late").returncode == 0
    assert (tmp_path / "model" / "model.joblib").read_bytes() == (run.folder / "model" / "model.joblib").read_bytes()
    assert (tmp_path / "model" / "code" / "pipelines" / "jobs" / "training" / "serving.py").exists()


def test_training_without_the_target_fails_by_name(run: WholeRun, tmp_path: Path) -> None:
    shutil.copytree(run.folder / "training", tmp_path / "training")
    ran = laptop.train(tmp_path, "late_arrival", "punctual")
    assert ran.returncode != 0
    assert "TrainingInputError: target 'punctual' is no column" in ran.stderr
    [line] = laptop.log_lines(ran)
    assert (line["level"], line["job"]) == ("ERROR", laptop.TRAINING_JOB)
    assert line["message"].startswith("TrainingInputError: target 'punctual' is no column")


def test_missing_column_fails_by_name(tmp_path: Path) -> None:
    rows = flights.month_rows(1)[::4].drop(columns="temp").assign(distance=-5)
    rows.to_csv(tmp_path / "a.csv", index=False)
    laptop.lay_out(tmp_path / "work", {"a.csv": tmp_path / "a.csv"})
    ran = laptop.validate(tmp_path / "work", "late_arrival", "late")
    assert ran.returncode == 1
    message = (tmp_path / "work" / "message").read_text()
    assert message.startswith("ContractViolatedError: 2 violations")
    assert "temp: the column is missing" in message
    assert "distance: below 10" in message
    report = laptop.read(ValidationReport, tmp_path / "work" / "validation" / "validation.json")
    assert (report.outcome, report.training, report.holdout) == ("failed", None, None)
    assert [(violation.column, violation.rule) for violation in report.violations] == [
        ("distance", "min"),
        ("temp", "missing"),
    ]
    decision, failure = laptop.log_lines(ran)
    assert (decision["message"], decision["violations"]) == ("contract violated", 2)
    assert (failure["level"], failure["message"]) == ("ERROR", message)
    assert not (tmp_path / "work" / "training").exists(), "no rows are left for training"


def test_only_the_examples_hold_values_of_rows(tmp_path: Path) -> None:
    rows = flights.month_rows(1)[::4].astype("object").reset_index(drop=True)
    rows.loc[5, "dest"] = None
    rows.loc[7, "origin"] = "Ada Lovelace"
    rows.loc[9, "temp"] = "Ada Lovelace"
    rows.to_csv(tmp_path / "a.csv", index=False)
    laptop.lay_out(tmp_path / "work", {"a.csv": tmp_path / "a.csv"})
    ran = laptop.validate(tmp_path / "work", "late_arrival", "late")
    assert ran.returncode == 1
    assert laptop.read(ExamplesReport, tmp_path / "work" / "validation" / "examples.json").examples == (
        ExampleRecord(column="origin", rule="allowed", file="a.csv", row=8, values={"origin": "Ada Lovelace"}),
        ExampleRecord(column="dest", rule="nullable", file="a.csv", row=6, values={"dest": None}),
        ExampleRecord(column="temp", rule="type", file="a.csv", row=10, values={"temp": "Ada Lovelace"}),
    )
    message = (tmp_path / "work" / "message").read_text()
    assert message.startswith("ContractViolatedError: 3 violations")
    kept = (tmp_path / "work" / "validation" / "validation.json").read_text()
    assert not any("Lovelace" in text for text in (ran.stdout, ran.stderr, message, kept))


def test_settings_that_do_not_fit_the_contract_are_named(tmp_path: Path) -> None:
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
        "TooShortError: the labelled rows span 2013-01 to 2013-01: with holdout_months 1 "
        "no month is left for training; commit earlier months"
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


def test_objects_with_other_bytes_than_the_commit_says_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    laptop.lay_out(tmp_path / "work", {"a.csv": tmp_path / "a.csv"})
    commit = laptop.read(CommitManifest, tmp_path / "work" / "commit" / "commit.json")
    (tmp_path / "work" / "data" / commit.files[0].sha256).write_text("a\n2\n")
    assert laptop.validate(tmp_path / "work", "late_arrival", "late").returncode == 1
    assert "CorruptObjectError: a.csv" in (tmp_path / "work" / "message").read_text()


def test_months_have_the_same_bytes_every_time() -> None:
    assert flights.month_csv(2) == flights.month_csv(2)
    assert len(flights.month_rows(6)) == 28243
