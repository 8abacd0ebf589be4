"""Tests the drift check on captured traffic in moto's S3."""

import gzip
import json
import time

import pytest

from pipelines.interface.paths import check_prefix, quarantine_prefix
from pipelines.interface.records import CheckOutcome
from tests.support.captured import FOLDER, check, put, record, recorded, register, rows
from tests.support.world import ENVIRONMENT, MODEL, World


@pytest.fixture
def champion(world: World) -> World:
    """Version 1 serves; its baseline is 2,000 rows around 50 degrees."""
    reference = rows(2000)
    register(world, reference)
    return world


def test_no_champion_is_recorded_as_such(world: World) -> None:
    assert check(world).outcome == CheckOutcome.NOTHING_TO_CHECK
    assert [found.outcome for found in recorded(world)] == [CheckOutcome.NOTHING_TO_CHECK]


def test_like_traffic_is_stable_in_all_encodings(champion: World, capsys: pytest.CaptureFixture[str]) -> None:
    sample = rows(3000)
    put(champion, "a.jsonl", record(sample[:1000]), record(sample[1000:2000], encoding="JSON"))
    put(champion, "b.jsonl", record(sample[2000:], encoding="BASE64"))
    found = check(champion)
    assert (found.outcome, found.rows, found.worst) == (CheckOutcome.STABLE, 3000, ())
    assert champion.bus.events == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [decision] = [line for line in lines if line.get("message") == "check stable"]
    assert (decision["check"], decision["model"], decision["rows"]) == (found.check_id, MODEL.name, 3000)
    assert [line for line in lines if "_aws" in line] == [], "metrics of zero would cost $0.30 a month each"
    assert champion.alerts() == []


def test_shifted_traffic_is_drift_reported_and_published_every_time(champion: World) -> None:
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    found = check(champion)
    assert found.outcome == CheckOutcome.DRIFT
    assert [column.name for column in found.worst] == ["temp"]
    check(champion)
    event = {"model": MODEL.name, "training_stage": "", "version": 1, "check_id": found.check_id, "worst": ["temp"]}
    assert champion.bus.events == [("Drift Found", event)] * 2
    artifacts, prefix = champion.services.bucket("artifacts"), check_prefix(MODEL.name, found.check_id)
    assert artifacts.read_json(f"{prefix}check.json")["columns"][0]["name"] == "temp"
    page = artifacts.open(f"{prefix}report.html").read().decode()
    assert "<svg" in page
    assert "://" not in page


def test_finding_is_a_metric_of_the_environment_and_alerts_until_the_verdict_changes(
    champion: World, capsys: pytest.CaptureFixture[str]
) -> None:
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    check(champion)
    [metrics] = [line for text in capsys.readouterr().out.splitlines() if "_aws" in (line := json.loads(text))]
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert (directive["Dimensions"], directive["Metrics"]) == ([["Environment"]], [{"Name": "Drift", "Unit": "Count"}])
    assert (metrics["Environment"], metrics["Model"], metrics["Drift"]) == (ENVIRONMENT.id, MODEL.name, 1)
    # The time is now, whatever the window was: CloudWatch drops values of more than two weeks ago.
    assert abs(metrics["_aws"]["Timestamp"] / 1000 - time.time()) < 60
    [alert] = champion.alerts()
    assert "temp" in alert
    check(champion)
    assert champion.alerts() == [], "the same window again"
    put(champion, "b.jsonl", record(rows(500, shift=20), time="12:20"), folder=f"{FOLDER[:-2]}12")
    assert check(champion, "13:00").outcome == CheckOutcome.DRIFT
    assert champion.alerts() == [], "the same drift in the next window"
    put(champion, "c.jsonl", record(rows(500), time="13:20"), folder=f"{FOLDER[:-2]}13")
    put(champion, "d.jsonl", record(rows(500, shift=20), time="15:20"), folder=f"{FOLDER[:-2]}15")
    assert [check(champion, f"{hour}:00").outcome for hour in (15, 17)] == [CheckOutcome.STABLE, CheckOutcome.DRIFT]
    assert len(champion.alerts()) == 1, "drift after a stable check"


def test_empty_window_is_insufficient_data(champion: World) -> None:
    assert check(champion).outcome == CheckOutcome.INSUFFICIENT_DATA
    put(champion, "a.jsonl", record(rows(49, shift=20)))
    found = check(champion)
    assert (found.outcome, found.rows) == (CheckOutcome.INSUFFICIENT_DATA, 49)
    assert champion.bus.events == []


def test_golden_requests_other_windows_and_duplicates_do_not_count(champion: World) -> None:
    sample = rows(100)
    put(champion, "a.jsonl", record(sample, event_id="1"), record(sample, event_id="1"))
    put(champion, "b.jsonl", record(sample, inferenceId="golden-1"))
    put(champion, "late.jsonl", record(sample, event_id="2", time="12:10"))
    found = check(champion)
    assert (found.rows, found.duplicates) == (100, 1)


def test_corrupt_lines_and_damaged_files_are_counted_and_alerted(champion: World) -> None:
    put(champion, "a.jsonl", record(rows(100)), '{"captureData": ', "no json at all")
    packed = gzip.compress(("\n".join(record(rows(20)) for _ in range(500)) + "\n").encode())
    champion.services.bucket("capture").write(f"{FOLDER}/b.jsonl.gz", packed[: len(packed) // 2])
    found = check(champion)
    assert (found.corrupt_records, found.damaged_files) == (2, 1)
    assert champion.bus.events == []
    capture, prefix = champion.services.bucket("capture"), quarantine_prefix(MODEL.name, found.check_id)
    kept = [json.loads(line) for line in capture.open(f"{prefix}0/lines.jsonl").read().splitlines()]
    assert [line["line"] for line in kept] == ['{"captureData": ', "no json at all"]
    assert all(line["file"] == f"{FOLDER}/a.jsonl" and line["reason"] for line in kept)
    assert capture.open(f"{prefix}0/files/{FOLDER}/b.jsonl.gz").read() == packed[: len(packed) // 2]
    put(champion, "c.jsonl", *["garbage"] * 50)
    assert check(champion).outcome == CheckOutcome.BROKEN_INPUT
    assert "cannot be read" in champion.alerts()[-1]


def test_missing_feature_is_a_finding(champion: World) -> None:
    lines = [record([["", row[1]] for row in rows(100)]).replace("temp,origin", "celsius,origin")]
    put(champion, "a.jsonl", *lines)
    found = check(champion)
    assert found.outcome == CheckOutcome.BROKEN_INPUT
    assert "feature temp is missing from all requests" in found.findings


def test_nan_infinity_and_new_category_are_seen(champion: World) -> None:
    sample = rows(300)
    for row in sample[:100]:
        row[0] = "inf"
    for row in sample[100:200]:
        row[0] = "nan"
    for row in sample[:50]:
        row[1] = "=cmd|<script>"
    put(champion, "a.jsonl", record(sample))
    found = check(champion)
    assert {column.name for column in found.worst} == {"temp", "origin"}
    assert "temp is infinite in 100 rows" in found.findings


def test_order_of_files_does_not_matter(champion: World) -> None:
    sample = [record(rows(200, shift=number), event_id=str(number)) for number in range(4)]
    put(champion, "a.jsonl", *sample[:2])
    put(champion, "b.jsonl", *sample[2:])
    one = check(champion)
    put(champion, "a.jsonl", *reversed(sample[2:]))
    put(champion, "b.jsonl", *reversed(sample[:2]))
    assert check(champion).worst == one.worst
