"""Tests that late capture, and versions that served one after another, are checked by window and by version."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from botocore.model import OperationModel

from pipelines.interface.codec import to_json
from pipelines.interface.paths import check_prefix
from pipelines.interface.records import Check, CheckOutcome
from pipelines.interface.release_state import ReleaseState
from tests.support.captured import FOLDER, check, put, record, record_release, recorded, register, rows
from tests.support.world import MODEL, World


@pytest.fixture
def champion(world: World) -> World:
    register(world, rows(2000))
    return world


def of_window(world: World, end: str) -> Check:
    """Return the only check of the window that ends then."""
    [found] = [found for found in recorded(world) if found.end == f"2026-03-01T{end}:00Z"]
    return found


def test_late_file_is_counted_in_its_own_window_once(champion: World) -> None:
    put(champion, "a.jsonl", record(rows(100)))
    assert check(champion, "12:00").outcome == CheckOutcome.STABLE
    put(champion, "late.jsonl", record(rows(400, shift=20)), record(rows(50, shift=20), event_id="x"))
    put(champion, "again.jsonl", record(rows(50, shift=20), event_id="x"))
    assert check(champion, "14:00").rows == 0
    found = of_window(champion, "12:00")
    assert (found.rows, found.files, found.duplicates) == (550, 3, 1)
    assert found.outcome == CheckOutcome.DRIFT
    assert [name for name, _ in champion.bus.events] == ["Drift Found"]
    check(champion, "16:00")
    assert of_window(champion, "12:00") == found
    assert len(champion.bus.events) == 1
    artifacts = champion.services.bucket("artifacts")
    assert artifacts.read_json(f"{check_prefix(MODEL.name, found.check_id)}check.json")["rows"] == 550


def test_window_is_checked_again_for_a_day(champion: World) -> None:
    check(champion, "12:00")
    put(champion, "late.jsonl", record(rows(100)))
    assert check(champion, "14:00", day=2, begin="2026-03-02T12:00:01Z").rows == 0
    assert of_window(champion, "12:00").rows == 0
    check(champion, "14:00", day=2, begin="2026-03-02T12:00:00Z")
    assert of_window(champion, "12:00").rows == 100


def test_files_of_the_next_window_in_the_same_hour_are_not_late(champion: World) -> None:
    put(champion, "a.jsonl", record(rows(100)))
    found = check(champion, "11:30", begin="2026-03-01T10:30:00Z")
    put(champion, "b.jsonl", record(rows(60), time="11:40"))
    assert check(champion, "12:30", begin="2026-03-01T11:30:00Z").rows == 60
    again = of_window(champion, "11:30")
    assert to_json(again) == {name: value for name, value in to_json(found).items() if name != "quality"}
    assert again.files == 1


def test_each_version_is_compared_with_its_own_baseline(champion: World) -> None:
    """The same traffic is stable for version 2, trained on warmer days; only the champion's drift is published."""
    assert register(champion, rows(2100, shift=20)) == 2
    put(champion, "a.jsonl", record(rows(500, shift=20)))
    put(champion, "a.jsonl", record(rows(600, shift=20)), folder=FOLDER.replace("/v1/", "/v2/"))
    found = check(champion)
    assert (found.version, found.outcome, found.rows) == (2, CheckOutcome.STABLE, 600)
    assert {(found.version, found.outcome, found.rows) for found in recorded(champion)} == {
        (1, CheckOutcome.DRIFT, 500),
        (2, CheckOutcome.STABLE, 600),
    }
    assert champion.bus.events == []
    put(champion, "b.jsonl", record(rows(400, shift=60)), folder=FOLDER.replace("/v1/", "/v2/"))
    check(champion, "14:00")
    assert [(name, detail["version"]) for name, detail in champion.bus.events] == [("Drift Found", 2)]


def test_version_that_no_longer_serves_is_checked_when_its_files_come(champion: World) -> None:
    check(champion, "12:00")
    register(champion, rows(2100))
    put(champion, "late.jsonl", record(rows(100)))
    check(champion, "14:00")
    assert of_window(champion, "12:00").rows == 100


def test_check_costs_the_same_after_many_versions(champion: World) -> None:
    put(champion, "a.jsonl", record(rows(500)))
    check(champion, "12:00")
    few = calls_of(champion, lambda: check(champion, "14:00"))
    for version in range(2, 402):
        day = date(2025, 1, 1) + timedelta(days=version)
        record_release(champion, version, begun=f"{day}T00:00:00Z")
        put(champion, "a.jsonl", record(rows(1)), folder=FOLDER.replace("/v1/", f"/v{version}/"))
    many = calls_of(champion, lambda: check(champion, "14:00"))
    assert few == many
    assert set(few) >= {"ListObjectsV2", "Query", "GetObject"}


def calls_of(world: World, act: Callable[[], object]) -> Counter[str]:
    """Return how often each operation of S3 and DynamoDB was called."""
    found = Counter[str]()

    def count(model: OperationModel, **_: object) -> None:
        found[model.name] += 1

    clients = [world.client(service) for service in ("s3", "dynamodb")]
    for client in clients:
        client.meta.events.register("before-call", count)
    act()
    for client in clients:
        client.meta.events.unregister("before-call", count)
    return found


def test_version_that_was_rolled_back_is_checked_in_its_window(champion: World) -> None:
    """Version 2 served for some minutes; then the champion of before serves again."""
    register(champion, rows(2100, shift=20))
    champion.services.put_parameter(MODEL.release_parameter, ReleaseState(champion=MODEL.package_arn(1)).to_value())
    put(champion, "a.jsonl", record(rows(600)), folder=FOLDER.replace("/v1/", "/v2/"))
    check(champion)
    assert {(found.version, found.rows) for found in recorded(champion)} == {(1, 0), (2, 600)}


def test_version_of_an_earlier_day_is_not_looked_for(champion: World) -> None:
    record_release(champion, 3, begun="2026-02-28T08:59:00Z")
    put(champion, "a.jsonl", record(rows(600)), folder=FOLDER.replace("/v1/", "/v3/"))
    check(champion)
    assert {found.version for found in recorded(champion)} == {1}
