"""Tests the edge of a function: variables, request, answer and log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from pipelines.aws.clients import Services
from pipelines.aws.function import Handler, handler
from pipelines.interface import log
from pipelines.interface.codec import InvalidRecordError, to_json
from pipelines.interface.env import CheckEnv, FunctionEnv, MissingEnvironmentError
from pipelines.interface.records import Trigger
from pipelines.interface.requests import (
    CheckRequest,
    FinishReleaseRequest,
    LeaseGrant,
    PlannedRun,
    PlanRequest,
    ProcessingStep,
    ReleaseGrant,
    RunPlan,
    UpdateServingRequest,
    VerifyRequest,
)
from pipelines.interface.settings import Job

VARIABLES = {
    "TEAM": "arrivals",
    "STAGE": "dev",
    "ACCOUNT": "123456789012",
    "REGION": "us-east-1",
    "DATA_BUCKET": "arrivals-dev-us-east-1-data-123456789012",
}
ENVIRONMENT = "arrivals-dev-us-east-1"


class HungryError(RuntimeError):
    """The function has failed."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    model: str
    run_id: str
    portions: int = 1
    commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fed:
    portions: int
    left: tuple[str, ...] = ()
    notes: Mapping[str, float] = field(default_factory=dict)


@handler(FunctionEnv, Feed)
def feed(request: Feed, services: Services, env: FunctionEnv) -> Fed | None:
    assert services.environment == env.environment
    log.info("fed", portions=request.portions)
    if request.portions > 9:
        raise HungryError(f"{request.portions} portions")
    return Fed(portions=request.portions) if request.portions else None


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KEY_ARN", raising=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_handler_has_the_name_of_its_folder() -> None:
    assert feed.name == __name__.split(".")[-2]


def test_answer_is_json() -> None:
    answer = feed({"model": "late-arrival", "run_id": "r1", "portions": 2}, None)
    assert answer == {"portions": 2, "left": [], "notes": {}}
    assert json.loads(json.dumps(answer)) == answer


def test_function_without_an_answer_gives_null() -> None:
    assert feed({"model": "late-arrival", "run_id": "r1", "portions": 0}, None) is None


def test_missing_variables_are_named_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = Handler("checks", CheckEnv, Feed, lambda *_: None)
    monkeypatch.delenv("STAGE")
    monkeypatch.setenv("REGION", "")
    with pytest.raises(MissingEnvironmentError, match=r"^CheckEnv: not set: STAGE, REGION, KEY_ARN; deploy"):
        checks({"model": "m", "run_id": "r"}, None)


def test_request_that_cannot_be_read_is_logged_and_raised_by_its_class(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        InvalidRecordError, match=r"^Feed: run_id is missing; portions is str 'x', not int; who is unkn"
    ):
        feed({"model": "late-arrival", "portions": "x", "who": 1}, None)
    [line] = lines(capsys)
    assert (line["level"], line["environment"], line["function"]) == ("ERROR", ENVIRONMENT, feed.name)
    assert line["message"].startswith("InvalidRecordError: Feed: run_id is missing; ")


def test_error_is_logged_with_its_subject_and_raised_by_its_class(capsys: pytest.CaptureFixture[str]) -> None:
    """The state machine matches the error by its class."""
    with pytest.raises(HungryError, match="12 portions"):
        feed({"model": "late-arrival", "run_id": "r1", "portions": 12}, None)
    fed, failure = lines(capsys)
    assert (fed["level"], failure["level"]) == ("INFO", "ERROR")
    assert failure["message"] == "HungryError: 12 portions"
    for line in (fed, failure):
        assert (line["environment"], line["function"]) == (ENVIRONMENT, feed.name)


def test_every_line_has_the_ids_of_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    feed({"model": "late-arrival", "run_id": "r1", "commit": "c" * 64}, None)
    [line] = lines(capsys)
    assert list(line) == ["time", "level", "message", "environment", "function", "model", "run", "commit", "portions"]
    assert (line["model"], line["run"], line["commit"]) == ("late-arrival", "r1", "c" * 64)


def test_ids_end_with_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    feed({"model": "late-arrival", "run_id": "r1"}, None)
    log.info("afterwards")
    assert list(lines(capsys)[-1]) == ["time", "level", "message"]


LEASE = LeaseGrant(run_id="r1", token=4)
RELEASE = ReleaseGrant(release_id="l1", model="late-arrival", previous="none", intended="p", package_arn="p")
TRIGGER = Trigger(kind="person", id="t1", by="alice", reason="test")
MODEL = "late-arrival"


@pytest.mark.parametrize(
    ("request_", "ids"),
    [
        (CheckRequest(model=MODEL, scheduled_at="2026-03-01T12:00:00Z"), {"model": MODEL}),
        (
            PlanRequest(model=MODEL, trigger=TRIGGER, lease=LEASE, execution="e1"),
            {"model": MODEL, "run": "r1", "execution": "e1"},
        ),
        (VerifyRequest(release=RELEASE), {"model": MODEL, "release": "l1"}),
        (UpdateServingRequest(model=MODEL), {"model": MODEL}),
        (UpdateServingRequest(model=MODEL, restore=RELEASE), {"model": MODEL, "release": "l1"}),
        (FinishReleaseRequest(execution="e1", status="ABORTED"), {"execution": "e1"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_ids_of_a_line_come_from_the_parts_of_a_request_too(
    request_: object, ids: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    observed: Handler[FunctionEnv, Any] = Handler(
        "observed", FunctionEnv, type(request_), lambda *_: log.info("looked at")
    )
    observed(to_json(request_), None)
    [line] = lines(capsys)
    about = {name: value for name, value in line.items() if name in log.SUBJECT}
    assert about == {"environment": ENVIRONMENT, "function": "observed", **ids}


def test_run_and_commit_of_a_plan_are_ids_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(instance_type="ml.m5.large", volume_gb=1, max_runtime_s=600)
    step = ProcessingStep(inputs=(), arguments=())
    texts = [each.name for each in fields(RunPlan) if each.type is str]
    plan = RunPlan(
        **{name: f"the-{name}" for name in texts},
        training=job,
        processing=job,
        hyperparameters={},
        validate=step,
        evaluate=step,
        champion=None,
        reproduces=None,
    )
    observed = Handler("observed", FunctionEnv, PlannedRun, lambda *_: log.info("looked at"))
    observed(to_json(PlannedRun(model=MODEL, plan=plan)), None)
    [line] = lines(capsys)
    assert (line["model"], line["run"], line["commit"]) == (MODEL, "the-run_id", "the-commit")
