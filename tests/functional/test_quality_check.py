"""Tests that labels are joined to captured predictions, late ones in their own hour, and that a loss is published."""

import gzip
import random

import pytest

from pipelines.interface import keys
from pipelines.interface.paths import check_prefix, quality_key
from pipelines.interface.records import Calibration, QualityHour, QualityOutcome
from pipelines.interface.settings import Gate
from tests.support.captured import check, put, record, register, rows
from tests.support.evaluations import evaluation, segment
from tests.support.world import MODEL, World, settings

HOUR = "2026/03/01/11"
EVALUATION = evaluation(
    rows=5000,
    candidate={"auc": 0.85, "log_loss": 0.5, "brier": 0.17, "f1": 0.75, "calibration_error": 0.01},
    segments=(segment("JFK", {"auc": 0.84}),),
    calibration=Calibration(scores=(0.0, 1.0), rates=(0.0, 1.0)),
)


@pytest.fixture
def champion(world: World) -> World:
    register(world, rows(2000), EVALUATION)
    return world


def put_labels(world: World, name: str, *lines: str, hour: str = HOUR, header: str = "inference_id,row,label") -> None:
    body = "\n".join([header, *lines]).encode()
    key = f"labels/{MODEL.name}/{hour}/{name}"
    world.services.bucket("capture").write(key, gzip.compress(body) if name.endswith(".gz") else body)


def captured(world: World, count: int = 400, *, skill: bool = True) -> list[str]:
    """Capture requests of two rows each, and return the lines of their labels.

    With ``skill`` a label is positive as often as its score says, without it half of the time.
    """
    chosen, lines, labels, sample = random.Random(1), [], [], rows(count)
    for number in range(count // 2):
        scores = [chosen.random(), chosen.random()]
        lines.append(record(sample[2 * number : 2 * number + 2], inferenceId=f"r-{number}", answers=scores))
        for row, score in enumerate(scores):
            happened = chosen.random() < (score if skill else 0.5)
            labels.append(f"r-{number},{row},{int(happened)}")
    put(world, "a.jsonl", *lines)
    return labels


def measured(world: World) -> list[QualityHour]:
    """Return the hours in the ledger."""
    return [hour for _, hour in world.services.ledger.query(keys.quality_hours(MODEL.name))]


def test_labels_are_joined_by_request_and_row(champion: World) -> None:
    labels = captured(champion)
    put_labels(champion, "a.csv", *labels, "unknown,0,1")
    [hour] = check(champion).quality
    assert (hour.outcome, hour.rows, hour.labels, hour.version) == (QualityOutcome.HELD, 400, 401, 1)
    assert hour.metrics["auc"] > 0.75
    assert (hour.begin, hour.end) == ("2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z")
    assert measured(champion) == [hour]
    document = champion.services.bucket("artifacts").read_json(quality_key(MODEL.name, hour.window, 1))
    assert {segment["value"] for segment in document["segments"]} <= {"JFK", "EWR"}
    assert sum(segment["rows"] for segment in document["segments"]) == 400
    assert champion.bus.events == []


def test_late_labels_and_corrections_update_their_own_hour(champion: World) -> None:
    labels = captured(champion)
    put_labels(champion, "a.csv", *labels[:100])
    assert check(champion).quality[0].rows == 100
    assert check(champion, "14:00").quality == (), "nothing has changed"
    flipped = [f"{line[:-1]}{1 - int(line[-1])}" for line in labels]
    put_labels(champion, "b.csv.gz", *flipped)
    [hour] = check(champion, "16:00").quality
    assert (hour.rows, hour.end) == (400, "2026-03-01T12:00:00Z")
    assert hour.metrics["auc"] < 0.25, "the later file corrects the earlier"
    assert len(measured(champion)) == 1


def test_labels_that_come_before_capture_are_joined_when_it_comes(champion: World) -> None:
    labels = captured(champion)
    put(champion, "a.jsonl", record(rows(1)))
    put_labels(champion, "a.csv", *labels)
    assert check(champion).quality[0].outcome == QualityOutcome.INSUFFICIENT_LABELS
    captured(champion)
    assert check(champion, "14:00").quality[0].rows == 400


def test_loss_of_quality_is_published_once_for_each_hour(champion: World) -> None:
    labels = captured(champion, skill=False)
    put_labels(champion, "a.csv", *labels)
    [hour] = check(champion).quality
    assert hour.outcome == QualityOutcome.LOST
    put_labels(champion, "b.csv", labels[0])
    again = check(champion, "14:00")
    assert again.quality[0].outcome == QualityOutcome.LOST
    prefix = check_prefix(MODEL.name, again.check_id)
    page = champion.services.bucket("artifacts").open(f"{prefix}report.html").read().decode()
    assert f"auc {hour.metrics['auc']:.3f}" in page
    assert "400 labelled rows of 2026-03-01T11:00:00Z" in page
    [alert] = champion.alerts()
    assert f"auc is {hour.metrics['auc']:.3f} on 400 labelled rows" in alert
    [(name, detail)] = champion.bus.events
    assert name == "Quality Lost"
    assert detail == {
        "model": MODEL.name,
        "training_stage": "",
        "version": 1,
        "window": hour.window,
        "metric": "auc",
        "value": hour.metrics["auc"],
        "evaluated": 0.85,
        "rows": 400,
    }


def test_requests_without_an_inference_id_are_joined_by_their_event_id(champion: World) -> None:
    put(champion, "a.jsonl", *(record(rows(1), event_id=f"e-{number}", answers=[0.5]) for number in range(150)))
    put_labels(champion, "a.csv", *(f"e-{number},{number % 2}" for number in range(150)), header="inference_id,label")
    assert check(champion).quality[0].rows == 150


def test_unreadable_labels_are_counted_and_misplaced_files_alert_once(champion: World) -> None:
    labels = captured(champion)
    put_labels(champion, "a.csv", *labels, "r-0,0,perhaps", "r-0,-1,1", "r-0,0", "r-0,0,2", "r-0,0,nan")
    put_labels(champion, "b.csv", "1,2", header="id,label")
    put_labels(champion, "c.csv", *labels, hour="2026-03-01")
    [hour] = check(champion).quality
    assert (hour.rows, hour.unreadable_labels, hour.damaged_label_files) == (400, 5, 1)
    [alert] = champion.alerts()
    assert f"labels/{MODEL.name}/2026-03-01/c.csv" in alert
    check(champion, "14:00")
    assert champion.alerts() == []


def test_regression_is_measured_in_its_own_metrics(champion: World) -> None:
    champion.set_settings(settings(task="regression", gate=Gate(metric="mae", bound=9, min_gain=0, min_rows=1)))
    put(champion, "a.jsonl", *(record(rows(1), event_id=f"e-{number}", answers=[10.0]) for number in range(150)))
    put_labels(champion, "a.csv", *(f"e-{number},12" for number in range(150)), header="inference_id,label")
    [hour] = check(champion).quality
    assert hour.metrics == {"mae": 2, "rmse": 2, "bias": -2}
    assert hour.outcome == QualityOutcome.NOT_EVALUATED


def test_estimates_without_labels_have_names_of_their_own(champion: World) -> None:
    captured(champion)
    predictions = check(champion).predictions
    assert predictions is not None
    assert predictions["positive_share"] == pytest.approx(0.5, abs=0.1)
    assert {name for name in predictions if name not in ("mean", "positive_share")} == {
        "estimated_auc",
        "estimated_log_loss",
        "estimated_brier",
        "estimated_f1",
    }
    assert predictions["estimated_auc"] == pytest.approx(0.83, abs=0.03)
