"""Tests ``mooring check``, ``report`` and ``labels``: their input and their output."""

import gzip
import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mooring.checks import window_of
from mooring.cli import check as commands
from mooring.cli import cli
from mooring.deployed import DeployedEnvironment, StateMachineRun
from mooring.errors import MooringError
from pipelines.interface.codec import read, to_json
from pipelines.interface.requests import CheckRequest, ConcludeRequest, CountRequest
from pipelines.monitoring.capture.listing import BATCH_BYTES
from pipelines.monitoring.check import check_drift, conclude_check, count_batch
from pipelines.monitoring.drift.fan_out import FAN_OUT_BYTES
from tests.functional.test_data_commands import FLEET
from tests.functional.test_quality_check import EVALUATION, captured
from tests.support.captured import KEY, put, record, register, rows
from tests.support.world import ENVIRONMENT, MODEL, World

WINDOW = "2026-03-01T10:00Z/2026-03-01T12:00Z"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Lambda:
    """Runs the function in this process, and answers as Lambda does."""

    world: World
    fan_out_bytes: int = FAN_OUT_BYTES
    batch_bytes: int = BATCH_BYTES

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == ENVIRONMENT.function("drift_check")
        request = read(CheckRequest, json.loads(Payload))
        limits = {"fan_out_bytes": self.fan_out_bytes, "batch_bytes": self.batch_bytes}
        try:
            with redirect_stdout(io.StringIO()):  # its log
                found = check_drift(request, self.world.services, key_arn=KEY, **limits)
        except LookupError as error:
            failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}
        return {"Payload": io.BytesIO(json.dumps(to_json(found)).encode())}


@pytest.fixture
def function(world: World) -> Lambda:
    return Lambda(world)


@pytest.fixture
def champion(world: World, function: Lambda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    class InThisProcess(DeployedEnvironment):
        def client(self, service: str, persona: str, *, attempts: int = 5) -> Any:
            allowed = {"lambda": "operator", "dynamodb": "auditor"}
            assert persona == allowed.get(service, persona)
            return function if service == "lambda" else super().client(service, persona, attempts=attempts)

        def wait_for(self, arn: str, *, timeout_s: float = 7200) -> StateMachineRun:  # noqa: ARG002
            return counted(world, arn)

    monkeypatch.setattr(commands, "DeployedEnvironment", InThisProcess)
    (tmp_path / "fleet.yaml").write_text(FLEET)
    monkeypatch.setenv("MOORING_FLEET", str(tmp_path / "fleet.yaml"))
    register(world, rows(2000), EVALUATION)
    return world


def counted(world: World, arn: str) -> StateMachineRun:
    """Count the first batch of the newest execution and conclude; any further batch is lost."""
    started = world.executions.started[-1]
    model, folder = started["model"], started["folder"]
    try:
        for number in started["batches"][:1]:
            count_batch(CountRequest(model=model, folder=folder, number=number), world.services, key_arn=KEY)
        with redirect_stdout(io.StringIO()):
            check = conclude_check(ConcludeRequest(model=model, folder=folder), world.services, key_arn=KEY)
    except LookupError as error:
        return StateMachineRun(arn=arn, status="FAILED", input=started, output={}, cause=str(error))
    return StateMachineRun(arn=arn, status="SUCCEEDED", input=started, output={"check": to_json(check)}, cause="")


def run(command: str, *arguments: str) -> str:
    ran = CliRunner().invoke(cli, [command, ENVIRONMENT.id, MODEL.name, *arguments])
    if ran.exception:
        raise ran.exception
    return ran.output


def test_check_prints_changed_columns_and_findings(champion: World) -> None:
    sample = rows(500, shift=20)
    put(champion, "a.jsonl", record(sample), record([["inf", "JFK"]]))
    output = run("check", "--window", WINDOW)
    assert "late-arrival v1, 2026-03-01T10:00:00Z to 2026-03-01T12:00:00Z: drift\n501 rows in 1 files\n" in output
    assert "temp is infinite in 1 rows" in output
    first = output[output.index("column") :].splitlines()[2]
    assert first.split()[:2] == ["temp", "yes"]
    found = json.loads(run("check", "--window", WINDOW, "--json"))
    assert (found["outcome"], found["rows"], found["columns"][0]["name"]) == ("drift", 501, "temp")


def test_failed_check_prints_the_reason(champion: World) -> None:
    group = champion.client("sagemaker").create_model_package(
        ModelPackageGroupName=MODEL.package_group, ModelApprovalStatus="Approved"
    )
    champion.services.put_parameter(MODEL.release_parameter, f"{group['ModelPackageArn']},none,none,0,plain")
    with pytest.raises(MooringError, match=r"BaselineMissingError: .*/2 has no baseline_uri"):
        run("check", "--window", WINDOW)


def test_check_waits_for_the_counts_of_a_large_window(champion: World, function: Lambda) -> None:
    function.fan_out_bytes = 100
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    assert "drift\n500 rows in 1 files" in run("check", "--window", WINDOW)
    function.batch_bytes = 1
    put(champion, "b.jsonl", "corrupt")
    with pytest.raises(MooringError, match=r"ended as FAILED: .*parts/00001"):
        run("check", "--window", WINDOW)


@pytest.mark.parametrize("text", ["6", "0h", "yesterday", "2026-03-01T10:00Z", f"{WINDOW}/x", "2026-03-02/2026-03-01"])
def test_wrong_window_is_answered_with_the_forms_of_windows(text: str) -> None:
    with pytest.raises(MooringError, match=text) as error:
        window_of(text, NOW)
    assert "2026-03-01T10:00Z/2026-03-01T12:00Z" in error.value.remedy


def test_windows_are_hours_days_or_moments() -> None:
    assert window_of("6h", NOW) == (NOW - timedelta(hours=6), NOW)
    assert window_of("2d", NOW) == (NOW - timedelta(days=2), NOW)
    assert window_of("2026-03-01T12:00+02:00/2026-03-01T12:00", NOW) == (NOW - timedelta(hours=2), NOW)


def test_report_fetches_the_page_of_the_last_check(champion: World, tmp_path: Path) -> None:
    with pytest.raises(MooringError, match="has not been checked yet"):
        run("report")
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    run("check", "--window", WINDOW)
    page = tmp_path / "page.html"
    assert f"{page}: late-arrival v1, 2026-03-01T10:00:00Z to 2026-03-01T12:00:00Z: drift" in run(
        "report", "-o", str(page)
    )
    assert "<svg" in page.read_text()


def test_labels_are_measured_with_the_next_check(champion: World, tmp_path: Path) -> None:
    known = captured(champion)
    file, packed = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    file.write_text("\n".join(["inference_id,row,label", *known[:300]]))
    packed.write_bytes(gzip.compress("\n".join(["inference_id,row,label", *known[300:]]).encode()))
    keys = json.loads(run("labels", str(file), str(packed), "--hour", "2026-03-01T11", "--json"))
    assert all(key.startswith("labels/late-arrival/2026/03/01/11/") for key in keys)
    assert keys == sorted(keys)
    output = run("check", "--window", WINDOW)
    assert "Quality of v1, 2026-03-01T11:00:00Z to 2026-03-01T12:00:00Z: held, auc 0." in output
    assert "on 400 labelled rows (0.850 at evaluation)" in output


@pytest.mark.parametrize(("content", "reason"), [(b"id,label\n", "header lacks inference_id"), (b"\xff\xfe", "no CSV")])
def test_other_files_than_labels_are_refused(champion: World, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(MooringError, match=reason):
        run("labels", str(file), "--hour", "2026-03-01T11")
    with pytest.raises(MooringError, match="is not an hour"):
        run("labels", str(file), "--hour", "today")
    assert champion.services.bucket("capture").keys("labels/") == []
