"""What moves in one segment only is found there, although all rows together hide it."""

import random
from typing import Any

from pipelines.interface.paths import check_prefix
from pipelines.monitoring.capture import listing
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.profile import PREDICTION, Profile
from tests.support.captured import HEADER, check, put, record, recorded, register
from tests.support.world import MODEL, World

AIRPORTS = ("EWR", "JFK")


def flights(count: int, shift: float = 0.0) -> list[list[Any]]:
    """Rows of which only those from JFK, one in ten, are shifted."""
    chosen = random.Random(count)
    found = [(chosen.gauss(50, 10), "JFK" if chosen.random() < 0.1 else "EWR") for _ in range(count)]
    return [[temp + shift * (origin == "JFK"), origin] for temp, origin in found]


def scores(count: int) -> list[float]:
    chosen = random.Random(f"scores {count}")
    return [chosen.random() for _ in range(count)]


def serve(world: World) -> None:
    reference = flights(5000)
    register(world, reference)
    predictions = scores(5000)

    def table(rows: list[int]) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {name: [reference[row][at] for row in rows] for at, name in enumerate(HEADER)}
        return {**columns, PREDICTION: [predictions[row] for row in rows]}

    profile = Profile.of([table(list(range(5000)))], categories=["origin"])
    segments = {
        ("origin", value): Profile.of(
            [table([row for row in range(5000) if reference[row][1] == value])], categories=["origin"]
        )
        for value in AIRPORTS
    }
    document = Baseline(profile=profile, segments=segments).to_document()
    world.services.bucket("artifacts").write_json("runs/late-arrival/5000/evaluation/baseline.json", document)


def segments_of(world: World) -> list[dict[str, Any]]:
    [item] = recorded(world)
    prefix = check_prefix(MODEL.name, item["check_id"])
    found = world.services.bucket("artifacts").read_json(f"{prefix}check.json")["segments"]
    assert isinstance(found, list)
    return found


def test_the_worst_segment_is_named_with_its_gap(world: World) -> None:
    serve(world)
    put(world, "a.jsonl", record(flights(3000, shift=8), answers=scores(3000)))
    found = check(world)
    worst, other = segments_of(world)
    assert (worst["column"], worst["value"], worst["drifted"], worst["outcome"]) == ("origin", "JFK", ["temp"], "drift")
    assert worst["gap"] > 0.1
    assert worst["effect"] > worst["gap"]
    assert (other["value"], other["drifted"], other["outcome"]) == ("EWR", [], "stable")
    assert worst["rows"] + other["rows"] == 3000
    assert "temp has drifted in a segment by origin, and not among all rows" in found["findings"]
    assert (found["worst_segment"]["by"], found["worst_segment"]["column"]) == ("origin", "temp")
    assert "JFK" not in str({**found, "package_arn": ""}), "values of rows stay out of the ledger"


def test_like_traffic_and_small_segments_say_nothing(world: World) -> None:
    serve(world)
    put(world, "a.jsonl", record(flights(300), answers=scores(300)))
    found = check(world)
    assert "worst_segment" not in found
    assert {(part["value"], part["outcome"]) for part in segments_of(world)} == {
        ("EWR", "stable"),
        ("JFK", "insufficient_data"),
    }


def test_segments_are_the_same_whatever_the_batches(world: World, monkeypatch: Any) -> None:
    serve(world)
    sample = flights(2000, shift=8)
    for number in range(4):
        put(world, f"{number}.jsonl", record(sample[number::4]))
    check(world)
    one = segments_of(world)
    monkeypatch.setattr(listing, "BATCH_BYTES", 1)
    check(world)
    assert segments_of(world) == one
