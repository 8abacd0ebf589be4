"""A window that is too large for one function is counted by many, and the result is the same to the last bit."""

import random
from typing import Any

import pytest

from pipelines.interface import keys
from pipelines.interface.paths import check_prefix
from pipelines.monitoring.capture import listing
from pipelines.monitoring.check import conclude_check, count_batch
from pipelines.monitoring.drift import version_check
from tests.support.captured import FOLDER, check, put, record, recorded, register, rows
from tests.support.world import ENVIRONMENT, MODEL, World

KEY = "arn:aws:kms:us-east-1:123456789012:key/k"


@pytest.fixture
def busy(world: World) -> World:
    """Eleven files in two hours, with repetitions, a corrupt line and a damaged file."""
    register(world, rows(2000))
    sample = rows(1500, shift=3)
    for number in range(10):
        hour = "11" if number % 2 else "10"
        lines = [record([row], time=f"{hour}:20", event_id=f"{number} {row}") for row in sample[number::10]]
        put(world, f"{number}.jsonl", *lines, lines[0], "corrupt", folder=f"{FOLDER[:-2]}{hour}")
    put(world, "z.jsonl.gz", "no gzip")
    return world


def by_one(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    check(world)
    return found(world)


def found(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    [item] = recorded(world)
    prefix = check_prefix(MODEL.name, item["check_id"])
    return item, world.services.bucket("artifacts").read_json(f"{prefix}check.json")


def test_many_functions_find_what_one_does(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BATCH_BYTES", 20_000)
    expected = by_one(busy)
    assert (expected[0]["rows"], expected[0]["duplicates"], expected[0]["damaged_files"]) == (1500, 10, 1)
    monkeypatch.setattr(version_check, "FAN_OUT_BYTES", 10_000)
    answer = check(busy)
    assert (answer["outcome"], recorded(busy)[0]["outcome"]) == ("counting", "counting")
    [request] = busy.executions.started
    assert request["machine"] == ENVIRONMENT.state_machine_arn("checks")
    numbers = request["batches"]
    assert len(numbers) > 4
    random.Random(0).shuffle(numbers)
    for number in [*numbers, numbers[0]]:
        count_batch({**request, "number": number}, busy.services, key_arn=KEY)
    conclude_check(request, busy.services, key_arn=KEY)
    assert found(busy) == expected


def test_a_batch_that_was_not_counted_concludes_nothing(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BATCH_BYTES", 20_000)
    monkeypatch.setattr(version_check, "FAN_OUT_BYTES", 10_000)
    check(busy)
    [request] = busy.executions.started
    for number in request["batches"][1:]:
        count_batch({**request, "number": number}, busy.services, key_arn=KEY)
    with pytest.raises(LookupError, match="parts/00000"):
        conclude_check(request, busy.services, key_arn=KEY)
    [item] = busy.services.ledger.query(keys.model_pk(MODEL.name), "check#")
    assert item["outcome"] == "counting"


def test_small_windows_are_counted_at_once(busy: World) -> None:
    check(busy)
    assert busy.executions.started == []
