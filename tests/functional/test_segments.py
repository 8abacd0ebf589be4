"""Tests that a change in one segment only is found there, although all rows together hide it."""

import random
from dataclasses import replace
from typing import Any

from pipelines.interface.paths import check_prefix
from pipelines.interface.records import SegmentChange
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.profile import PREDICTION, Profile
from tests.support.captured import HEADER, check, put, record, recorded, register
from tests.support.world import MODEL, World

AIRPORTS = ("EWR", "JFK")


def flights(count: int, shift: float = 0.0) -> list[list[Any]]:
    """Return rows; those from JFK, one in ten, are shifted."""
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
    [found] = recorded(world)
    prefix = check_prefix(MODEL.name, found.check_id)
    segments = world.services.bucket("artifacts").read_json(f"{prefix}check.json")["segments"]
    assert isinstance(segments, list)
    return segments


def test_worst_segment_is_named_with_its_gap(world: World) -> None:
    serve(world)
    put(world, "a.jsonl", record(flights(3000, shift=8), answers=scores(3000)))
    found = check(world)
    worst, other = segments_of(world)
    assert (worst["column"], worst["value"], worst["drifted"], worst["outcome"]) == ("origin", "JFK", ["temp"], "drift")
    assert worst["gap"] > 0.1
    assert worst["effect"] > worst["gap"]
    assert (other["value"], other["drifted"], other["outcome"]) == ("EWR", [], "stable")
    assert worst["rows"] + other["rows"] == 3000
    assert "temp has drifted in a segment by origin, and not among all rows" in found.findings
    assert found.worst_segment == SegmentChange(by="origin", column="temp", effect=worst["effect"], gap=worst["gap"])
    assert "JFK" not in str(replace(recorded(world)[0], package_arn="")), "values of rows stay out of the ledger"


def test_unchanged_traffic_and_small_segments_have_no_worst_segment(world: World) -> None:
    serve(world)
    put(world, "a.jsonl", record(flights(300), answers=scores(300)))
    found = check(world)
    assert found.worst_segment is None
    assert {(part["value"], part["outcome"]) for part in segments_of(world)} == {
        ("EWR", "stable"),
        ("JFK", "insufficient_data"),
    }


def test_segments_do_not_depend_on_the_batches(world: World) -> None:
    serve(world)
    sample = flights(2000, shift=8)
    for number in range(4):
        put(world, f"{number}.jsonl", record(sample[number::4]))
    check(world)
    one = segments_of(world)
    check(world, batch_bytes=1)
    assert segments_of(world) == one
