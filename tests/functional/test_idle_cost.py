"""Counts the requests of a check without traffic and of a landing without files, which `mooring cost` charges."""

from datetime import UTC, datetime, timedelta

from infra.cost.usage import CALLS
from pipelines.datasets.landing.landing import land
from pipelines.interface.requests import CheckRequest
from pipelines.interface.times import format_time
from pipelines.monitoring.check import check_drift
from tests.support.captured import FOLDER, KEY, calls_of, put, record, register, rows
from tests.support.world import MODEL, World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def check_hour(world: World, moment: datetime) -> None:
    begin = format_time(moment - timedelta(hours=1))
    request = CheckRequest(model=MODEL.name, scheduled_at=format_time(moment), begin=begin)
    check_drift(request, world.services, key_arn=KEY)


def test_idle_check_makes_the_requests_that_it_is_charged_for(world: World) -> None:
    """The endpoint had traffic once, and none in the day that a check looks back at."""
    register(world, rows(2000))
    put(world, "old.jsonl", record(rows(1)), folder=FOLDER.replace("/2026/03/01/", "/2026/02/01/"))
    for hour in range(25):
        check_hour(world, NOON + timedelta(hours=hour))
    found = calls_of(world, lambda: check_hour(world, NOON + timedelta(hours=25)))
    call = CALLS["drift-check"]
    assert found.pop("ListObjectsV2") == call.list_requests
    assert found.pop("PutObject") == call.put_requests
    assert found.pop("GetObject") == call.get_requests
    assert found.pop("Query") == call.table_reads
    assert found.pop("PutItem") == call.table_writes
    assert found.total() == call.other_requests, found


def test_idle_check_costs_the_same_however_many_windows_it_looks_back_at(world: World) -> None:
    register(world, rows(2000))
    put(world, "old.jsonl", record(rows(1)), folder=FOLDER.replace("/2026/03/01/", "/2026/02/01/"))
    check_hour(world, NOON)
    after_one = calls_of(world, lambda: check_hour(world, NOON + timedelta(hours=1)))
    for hour in range(2, 30):
        check_hour(world, NOON + timedelta(hours=hour))
    assert calls_of(world, lambda: check_hour(world, NOON + timedelta(hours=30))) == after_one


def test_landing_without_files_makes_the_requests_that_it_is_charged_for(world: World) -> None:
    found = calls_of(world, lambda: land(world.services))
    call = CALLS["land-files"]
    assert found == {"ListObjectVersions": call.list_requests}
    assert call.requests == call.list_requests
