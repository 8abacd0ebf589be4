"""Tests that many functions count a large window with the same result as one, to the last bit."""

import random
from typing import Any

import pytest

from pipelines.aws.s3 import MissingObjectError
from pipelines.interface.paths import check_prefix
from pipelines.interface.records import Check, CheckOutcome
from pipelines.interface.requests import ConcludeRequest, CountRequest, FinishCheckRequest
from pipelines.monitoring.check import conclude_check, count_batch
from pipelines.monitoring.drift.failed_check import finish_check
from tests.support.captured import FOLDER, KEY, check, put, record, recorded, register, rows
from tests.support.world import ENVIRONMENT, MODEL, World

SMALL_BYTES = 10_000
"""Fan-out limit that every window of these tests exceeds."""
BATCH_BYTES = 20_000


@pytest.fixture
def busy(world: World) -> World:
    """Capture eleven files in two hours, with repetitions, corrupt lines and a damaged file."""
    register(world, rows(2000))
    sample = rows(1500, shift=3)
    for number in range(10):
        hour = "11" if number % 2 else "10"
        lines = [record([row], time=f"{hour}:20", event_id=f"{number} {row}") for row in sample[number::10]]
        put(world, f"{number}.jsonl", *lines, lines[0], "corrupt", folder=f"{FOLDER[:-2]}{hour}")
    put(world, "z.jsonl.gz", "no gzip")
    return world


def found(world: World) -> tuple[Check, dict[str, Any]]:
    """Return the only check, as the ledger and as check.json hold it."""
    [recorded_check] = recorded(world)
    prefix = check_prefix(MODEL.name, recorded_check.check_id)
    return recorded_check, world.services.bucket("artifacts").read_json(f"{prefix}check.json")


def count(world: World, started: dict[str, Any], number: int) -> None:
    request = CountRequest(model=started["model"], folder=started["folder"], number=number)
    assert count_batch(request, world.services, key_arn=KEY).number == number


def conclude(world: World, started: dict[str, Any]) -> Check:
    request = ConcludeRequest(model=started["model"], folder=started["folder"])
    return conclude_check(request, world.services, key_arn=KEY)


def test_many_functions_find_the_same_as_one(busy: World) -> None:
    check(busy, batch_bytes=BATCH_BYTES)
    expected = found(busy)
    assert (expected[0].rows, expected[0].duplicates, expected[0].damaged_files) == (1500, 10, 1)
    answer = check(busy, fan_out_bytes=SMALL_BYTES, batch_bytes=BATCH_BYTES)
    [begun] = recorded(busy)
    assert (answer.outcome, begun.outcome) == (CheckOutcome.COUNTING, CheckOutcome.COUNTING)
    assert begun.execution == f"{ENVIRONMENT.state_machine_arn('checks')}:1"
    [started] = busy.executions.started
    assert started["machine"] == ENVIRONMENT.state_machine_arn("checks")
    numbers = started["batches"]
    assert len(numbers) > 4
    random.Random(0).shuffle(numbers)
    for number in [*numbers, numbers[0]]:
        count(busy, started, number)
    assert conclude(busy, started) == expected[0]
    assert found(busy) == expected


def test_check_with_an_uncounted_batch_is_not_concluded(busy: World) -> None:
    check(busy, fan_out_bytes=SMALL_BYTES, batch_bytes=BATCH_BYTES)
    [started] = busy.executions.started
    for number in started["batches"][1:]:
        count(busy, started, number)
    with pytest.raises(MissingObjectError, match="parts/00000"):
        conclude(busy, started)
    assert [begun.outcome for begun in recorded(busy)] == [CheckOutcome.COUNTING]


def test_check_whose_count_failed_is_recorded_once_and_alerts(busy: World) -> None:
    check(busy, fan_out_bytes=SMALL_BYTES, batch_bytes=BATCH_BYTES)
    [begun] = recorded(busy)
    assert begun.execution
    for _ in range(2):
        finish_check(FinishCheckRequest(execution=begun.execution, status="TIMED_OUT"), busy.services)
    [ended] = recorded(busy)
    assert ended.outcome == CheckOutcome.FAILED
    assert ended.findings[0].startswith("TIMED_OUT")
    [alert] = busy.alerts()
    assert f"mooring check {ENVIRONMENT.id} {MODEL.name} --window {begun.begin}/{begun.end}" in alert


def test_check_that_was_concluded_does_not_fail_afterwards(busy: World) -> None:
    check(busy, fan_out_bytes=SMALL_BYTES, batch_bytes=BATCH_BYTES)
    [started], [begun] = busy.executions.started, recorded(busy)
    for number in started["batches"]:
        count(busy, started, number)
    concluded = conclude(busy, started)
    busy.alerts()
    finish_check(FinishCheckRequest(execution=str(begun.execution), status="ABORTED"), busy.services)
    assert recorded(busy) == [concluded]
    assert busy.alerts() == []


def test_small_windows_are_counted_at_once(busy: World) -> None:
    check(busy)
    assert busy.executions.started == []
