"""The drift check on captured traffic in moto's S3."""

import base64
import gzip
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.contract import ledger as keys
from pipelines.contract.paths import check_prefix
from pipelines.contract.release_state import ReleaseState
from pipelines.monitoring.check import NOT_SERVING, check_drift
from pipelines.monitoring.profile import PREDICTION, baseline
from tests.functional.conftest import MODEL, World

END = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FOLDER = f"{MODEL.name}/v1/{MODEL.endpoint}/champion/2026/03/01/11"
HEADER = ["temp", "origin"]


def record(
    rows: list[list[Any]], *, minute: int = 10, event_id: str = "", encoding: str = "CSV", **metadata: str
) -> str:
    body = "\n".join(",".join(map(str, row)) for row in [HEADER, *rows])
    if encoding == "JSON":
        body = json.dumps([dict(zip(HEADER, row, strict=True)) for row in rows])
    answer = "\n".join("0.5" for _ in rows)
    kind = "application/json" if encoding == "JSON" else "text/csv"
    if encoding == "BASE64":
        body, answer = (base64.b64encode(text.encode()).decode() for text in (body, answer))
    output = "CSV" if encoding == "JSON" else encoding
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {"observedContentType": kind, "mode": "INPUT", "data": body, "encoding": encoding},
                "endpointOutput": {
                    "observedContentType": "text/csv",
                    "mode": "OUTPUT",
                    "data": answer,
                    "encoding": output,
                },
            },
            "eventMetadata": {
                "eventId": event_id or str(random.random()),
                "inferenceTime": f"2026-03-01T11:{minute:02}:00Z",
                **metadata,
            },
            "eventVersion": "0",
        }
    )


def rows(count: int, shift: float = 0.0) -> list[list[Any]]:
    chosen = random.Random(count)
    return [[chosen.gauss(50 + shift, 10), chosen.choice(["JFK", "EWR"])] for _ in range(count)]


@pytest.fixture
def champion(world: World) -> World:
    """Version 1 serves; its baseline is 2,000 rows around 50 degrees."""
    reference = rows(2000)
    table = {name: [row[number] for row in reference] for number, name in enumerate(HEADER)}
    artifacts = world.services.bucket("artifacts")
    profile = baseline({**table, PREDICTION: [0.5] * len(reference)}, categorical=["origin"])
    artifacts.write_json("runs/late-arrival/r/evaluation/baseline.json", profile.to_document())
    arn = world.client("sagemaker").create_model_package(
        ModelPackageGroupName=MODEL.package_group,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"baseline_uri": artifacts.uri("runs/late-arrival/r/evaluation/baseline.json")},
    )["ModelPackageArn"]
    world.services.put_parameter(MODEL.release_parameter, ReleaseState(champion=arn).to_value())
    return world


def put(world: World, name: str, *lines: str) -> None:
    world.services.bucket("capture").write(f"{FOLDER}/{name}", "\n".join(lines).encode())


def check(world: World) -> dict[str, Any]:
    event = {"model": MODEL.name, "scheduled_at": "2026-03-01T12:00:00Z"}
    return check_drift(event, world.services, key_arn="arn:aws:kms:us-east-1:123456789012:key/k")


def test_no_champion_is_recorded_as_such(world: World) -> None:
    assert check(world)["outcome"] == NOT_SERVING
    assert len(list(world.services.ledger.query(keys.model_pk(MODEL.name), "check#"))) == 1


def test_like_traffic_is_stable_in_all_encodings(champion: World, capsys: pytest.CaptureFixture[str]) -> None:
    sample = rows(3000)
    put(champion, "a.jsonl", record(sample[:1000]), record(sample[1000:2000], encoding="JSON"))
    put(champion, "b.jsonl", record(sample[2000:], encoding="BASE64"))
    found = check(champion)
    assert (found["outcome"], found["rows"], found["worst"]) == ("stable", 3000, [])
    assert champion.bus.events == []
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["Model"] == MODEL.name
    assert metrics["Rows"] == 3000


def test_shifted_traffic_is_drift_reported_and_told_every_time(champion: World) -> None:
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    found = check(champion)
    assert found["outcome"] == "drift"
    assert [column["name"] for column in found["worst"]] == ["temp"]
    check(champion)
    told = {"model": MODEL.name, "version": 1, "check_id": found["check_id"], "worst": ["temp"]}
    assert champion.bus.events == [("Drift Found", told)] * 2
    artifacts, prefix = champion.services.bucket("artifacts"), check_prefix(MODEL.name, found["check_id"])
    assert artifacts.read_json(f"{prefix}check.json")["columns"][0]["name"] == "temp"
    page = artifacts.open(f"{prefix}report.html").read().decode()
    assert "<svg" in page
    assert "http" not in page


def test_empty_window_is_insufficient_data(champion: World) -> None:
    assert check(champion)["outcome"] == "insufficient_data"
    put(champion, "a.jsonl", record(rows(49, shift=20)))
    found = check(champion)
    assert (found["outcome"], found["rows"]) == ("insufficient_data", 49)
    assert champion.bus.events == []


def test_golden_requests_other_windows_and_duplicates_do_not_count(champion: World) -> None:
    sample = rows(100)
    put(champion, "a.jsonl", record(sample, event_id="1"), record(sample, event_id="1"))
    put(champion, "b.jsonl", record(sample, inferenceId="golden-1"))
    put(champion, "late.jsonl", record(sample, event_id="2").replace("2026-03-01T11", "2026-03-01T12"))
    found = check(champion)
    assert (found["rows"], found["duplicates"]) == (100, 1)


def test_corrupt_lines_and_damaged_files_are_counted_and_alerted(champion: World) -> None:
    put(champion, "a.jsonl", record(rows(100)), '{"captureData": ', "no json at all")
    packed = gzip.compress(("\n".join(record(rows(20)) for _ in range(500)) + "\n").encode())
    champion.services.bucket("capture").write(f"{FOLDER}/b.jsonl.gz", packed[: len(packed) // 2])
    found = check(champion)
    assert (found["corrupt_records"], found["damaged_files"]) == (2, 1)
    assert champion.bus.events == []
    put(champion, "c.jsonl", *["garbage"] * 50)
    assert check(champion)["outcome"] == "broken_input"
    assert "cannot be read" in champion.alerts()[-1]


def test_missing_feature_is_a_finding(champion: World) -> None:
    lines = [record([["", row[1]] for row in rows(100)]).replace("temp,origin", "celsius,origin")]
    put(champion, "a.jsonl", *lines)
    found = check(champion)
    assert found["outcome"] == "broken_input"
    assert "feature temp is missing from all requests" in found["findings"]


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
    assert {column["name"] for column in found["worst"]} == {"temp", "origin"}
    assert "temp is infinite in 100 rows" in found["findings"]


def test_order_of_files_does_not_matter(champion: World) -> None:
    sample = [record(rows(200, shift=number), event_id=str(number)) for number in range(4)]
    put(champion, "a.jsonl", *sample[:2])
    put(champion, "b.jsonl", *sample[2:])
    one = check(champion)
    put(champion, "a.jsonl", *reversed(sample[2:]))
    put(champion, "b.jsonl", *reversed(sample[:2]))
    assert check(champion)["worst"] == one["worst"]
