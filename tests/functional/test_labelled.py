"""Tests that a window within an hour is measured by itself, with the labels that the hour's check joins."""

from datetime import UTC, datetime

import pytest

from mooring.demo.labelled import LabelledTraffic
from pipelines.interface.records import QualityOutcome
from pipelines.monitoring.capture.window import Window
from tests.functional.test_quality_check import EVALUATION, captured, put_labels
from tests.support.captured import check, put, record, register, rows
from tests.support.world import MODEL, World, settings


@pytest.fixture
def champion(world: World) -> World:
    register(world, rows(2000), EVALUATION)
    return world


def window(begin: str, end: str) -> Window:
    first, last = (datetime.fromisoformat(f"2026-03-01T{text}:00").replace(tzinfo=UTC) for text in (begin, end))
    return Window(begin=first, end=last)


def labelled(world: World, begin: str, end: str) -> LabelledTraffic:
    return LabelledTraffic(services=world.services, settings=settings(), version=1, window=window(begin, end))


def test_window_is_measured_without_the_rest_of_its_hour(champion: World) -> None:
    labels = captured(champion)
    later = [record([row], time="11:40", inferenceId=f"late-{n}", answers=[0.9]) for n, row in enumerate(rows(100))]
    put(champion, "b.jsonl", *later)
    put_labels(champion, "a.csv", *labels, *(f"late-{number},0,0" for number in range(100)))
    [hour] = check(champion).quality
    assert hour.rows == 500
    early = labelled(champion, "11:00", "11:30")
    chunks = early.captured()
    assert sum(chunk.rows for chunk in chunks) == 400
    measured = early.measure(chunks)
    assert (measured.rows, measured.outcome) == (400, QualityOutcome.HELD)
    assert measured.metrics["auc"] > hour.metrics["auc"]
    assert measured.evaluated["auc"] == EVALUATION.candidate["auc"]


def test_whole_hour_is_measured_as_its_check_measures_it(champion: World) -> None:
    put_labels(champion, "a.csv", *captured(champion))
    [hour] = check(champion).quality
    whole = labelled(champion, "11:00", "12:00")
    assert whole.measure(whole.captured()).metrics == pytest.approx(hour.metrics, abs=1e-12)


def test_window_over_two_hours_joins_the_labels_of_both(champion: World) -> None:
    put_labels(champion, "a.csv", *captured(champion))
    folder = f"{MODEL.name}/v1/{MODEL.endpoint}/champion/2026/03/01/12"
    put(champion, "c.jsonl", record(rows(1), time="12:05", inferenceId="next", answers=[0.5]), folder=folder)
    put_labels(champion, "a.csv", "next,0,1", hour="2026/03/01/12")
    both = labelled(champion, "11:00", "12:30")
    assert both.measure(both.captured()).rows == 401
