"""``mooring check``, ``report`` and ``labels``: what a person types and reads."""

import gzip
import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mooring.checks import window_of
from mooring.cli import check as commands
from mooring.cli import cli
from mooring.deployed import DeployedEnvironment, Execution
from mooring.errors import MooringError
from pipelines.monitoring.capture import listing
from pipelines.monitoring.check import check_drift, conclude_check, count_batch
from pipelines.monitoring.drift import version_check
from tests.functional.test_data_commands import FLEET
from tests.functional.test_quality_check import EVALUATION, captured
from tests.support.captured import put, record, register, rows
from tests.support.world import ENVIRONMENT, MODEL, World

WINDOW = "2026-03-01T10:00Z/2026-03-01T12:00Z"
KEY = "arn:aws:kms:us-east-1:1:key/k"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Lambda:
    """Runs the function in this process, and answers as Lambda does."""

    def __init__(self, world: World) -> None:
        self._world = world

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == ENVIRONMENT.function("drift_check")
        try:
            with redirect_stdout(io.StringIO()):  # its log
                found = check_drift(json.loads(Payload), self._world.services, key_arn=KEY)
        except LookupError as error:
            failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}
        return {"Payload": io.BytesIO(json.dumps(found).encode())}


@pytest.fixture
def champion(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    class InThisProcess(DeployedEnvironment):
        def client(self, service: str, persona: str, *, attempts: int = 5) -> Any:
            allowed = {"lambda": "operator", "dynamodb": "auditor"}
            assert persona == allowed.get(service, persona)
            return Lambda(world) if service == "lambda" else super().client(service, persona, attempts=attempts)

        def wait_for(self, arn: str, *, timeout_s: float = 7200) -> Execution:  # noqa: ARG002
            return counted(world, arn)

    monkeypatch.setattr(commands, "DeployedEnvironment", InThisProcess)
    (tmp_path / "fleet.yaml").write_text(FLEET)
    monkeypatch.setenv("MOORING_FLEET", str(tmp_path / "fleet.yaml"))
    register(world, rows(2000), EVALUATION)
    return world


def counted(world: World, arn: str) -> Execution:
    """The execution that was started last, as the state machine would have ended it."""
    request = world.executions.started[-1]
    try:
        for number in request["batches"][:1]:  # of more, those that follow are lost
            count_batch({**request, "number": number}, world.services, key_arn=KEY)
        with redirect_stdout(io.StringIO()):
            output = {"check": conclude_check(request, world.services, key_arn=KEY)}
    except LookupError as error:
        return Execution(arn=arn, status="FAILED", input=request, output={}, cause=str(error))
    return Execution(arn=arn, status="SUCCEEDED", input=request, output=output, cause="")


def run(command: str, *arguments: str) -> str:
    ran = CliRunner().invoke(cli, [command, ENVIRONMENT.id, MODEL.name, *arguments])
    if ran.exception:
        raise ran.exception
    return ran.output


def test_check_says_what_changed_and_what_was_found(champion: World) -> None:
    sample = rows(500, shift=20)
    put(champion, "a.jsonl", record(sample), record([["inf", "JFK"]]))
    said = run("check", "--window", WINDOW)
    assert "late-arrival v1, 2026-03-01T10:00:00Z to 2026-03-01T12:00:00Z: drift\n501 rows in 1 files\n" in said
    assert "temp is infinite in 1 rows" in said
    first = said[said.index("column") :].splitlines()[2]
    assert first.split()[:2] == ["temp", "yes"]
    found = json.loads(run("check", "--window", WINDOW, "--json"))
    assert (found["outcome"], found["rows"], found["columns"][0]["name"]) == ("drift", 501, "temp")


def test_a_check_that_fails_says_why(champion: World) -> None:
    group = champion.client("sagemaker").create_model_package(
        ModelPackageGroupName=MODEL.package_group, ModelApprovalStatus="Approved"
    )
    champion.services.put_parameter(MODEL.release_parameter, f"{group['ModelPackageArn']},none,none,0,plain")
    with pytest.raises(MooringError, match=r"BaselineMissingError: .*/2 has no baseline_uri"):
        run("check", "--window", WINDOW)


def test_a_large_window_is_waited_for(champion: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_check, "FAN_OUT_BYTES", 100)
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    assert "drift\n500 rows in 1 files" in run("check", "--window", WINDOW)
    monkeypatch.setattr(listing, "BATCH_BYTES", 1)
    put(champion, "b.jsonl", "corrupt")
    with pytest.raises(MooringError, match=r"ended as FAILED: .*parts/00001"):
        run("check", "--window", WINDOW)


@pytest.mark.parametrize("text", ["6", "0h", "yesterday", "2026-03-01T10:00Z", f"{WINDOW}/x", "2026-03-02/2026-03-01"])
def test_what_is_no_window_is_answered_with_what_is_one(text: str) -> None:
    with pytest.raises(MooringError, match=text) as error:
        window_of(text, NOW)
    assert "2026-03-01T10:00Z/2026-03-01T12:00Z" in error.value.remedy


def test_windows_are_hours_days_or_moments() -> None:
    assert window_of("6h", NOW) == (NOW - timedelta(hours=6), NOW)
    assert window_of("2d", NOW) == (NOW - timedelta(days=2), NOW)
    assert window_of("2026-03-01T12:00+02:00/2026-03-01T12:00", NOW) == (NOW - timedelta(hours=2), NOW)


def test_report_fetches_the_last_page(champion: World, tmp_path: Path) -> None:
    with pytest.raises(MooringError, match="has not been checked yet"):
        run("report")
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    run("check", "--window", WINDOW)
    page = tmp_path / "page.html"
    assert f"{page}: late-arrival v1, 2026-03-01T10:00:00Z to 2026-03-01T12:00:00Z: drift" in run(
        "report", "-o", str(page)
    )
    assert "<svg" in page.read_text()


def test_labels_are_handed_in_and_measured_with_the_next_check(champion: World, tmp_path: Path) -> None:
    known = captured(champion)
    file, packed = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    file.write_text("\n".join(["inference_id,row,label", *known[:300]]))
    packed.write_bytes(gzip.compress("\n".join(["inference_id,row,label", *known[300:]]).encode()))
    keys = json.loads(run("labels", str(file), str(packed), "--hour", "2026-03-01T11", "--json"))
    assert all(key.startswith("labels/late-arrival/2026/03/01/11/") for key in keys)
    assert keys == sorted(keys)
    said = run("check", "--window", WINDOW)
    assert "Quality of v1, 2026-03-01T11:00:00Z to 2026-03-01T12:00:00Z: held, auc 0." in said
    assert "on 400 labelled rows (0.850 at evaluation)" in said


@pytest.mark.parametrize(("content", "reason"), [(b"id,label\n", "no column inference_id"), (b"\xff\xfe", "no CSV")])
def test_what_is_no_file_of_labels_is_refused(champion: World, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(MooringError, match=reason):
        run("labels", str(file), "--hour", "2026-03-01T11")
    with pytest.raises(MooringError, match="is no hour"):
        run("labels", str(file), "--hour", "today")
    assert champion.services.bucket("capture").keys("labels/") == []
