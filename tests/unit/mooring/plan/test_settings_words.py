"""Changes of a model's settings are told in words; no field is left out."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.plan.settings_words import FIELDS, tell_settings
from pipelines.interface import settings
from pipelines.interface.codec import to_json
from pipelines.interface.settings import ModelSettings

JOB = settings.Job(instance_type="ml.m5.large", volume_gb=30, max_runtime_s=3600)
BASE = ModelSettings(
    model="late-arrival",
    dataset="flights",
    task="classification",
    target="late",
    time_column="departure",
    window_months=3,
    holdout_months=1,
    image="image",
    code_uri="s3://bucket/code",
    training=JOB,
    processing=JOB,
    gate=settings.Gate(metric="auc", bound=0.6, min_gain=0.0, min_rows=5000),
    drift=settings.Drift(window_hours=1, min_rows=1000, false_alarm_rate=0.005, min_effect=0.07, persistence=1),
    quality=settings.Quality(min_labels=500, max_loss=0.1),
    retraining=settings.Retraining(triggers=("drift", "quality"), cooldown_s=60, max_runs_per_day=20),
    approval="manual",
    two_people=False,
    training_stage="dev",
)


def leaves(document: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(document, dict) and document:
        return [leaf for name, value in document.items() for leaf in leaves(value, (*path, name))]
    return [path]


DOCUMENT: dict[str, Any] = to_json(BASE)
LEAVES = [path for path in leaves(DOCUMENT) if path != ("model",)]


def edited(*paths: tuple[str, ...]) -> str:
    """Return the document with another value at each path."""
    document = json.loads(json.dumps(DOCUMENT))
    for path in paths:
        place = document
        for name in path[:-1]:
            place = place[name]
        old = place[path[-1]]
        other: Any = f"{old}x" if isinstance(old, str) else ["commit"] if isinstance(old, list) else {"depth": "5"}
        if isinstance(old, bool):
            other = not old
        elif isinstance(old, int | float):
            other = old + 1
        place[path[-1]] = other
    return json.dumps(document)


@given(st.sets(st.sampled_from(LEAVES)))
def test_each_changed_field_is_told_and_no_other(paths: set[tuple[str, ...]]) -> None:
    told = list(tell_settings(json.dumps(DOCUMENT), edited(*paths)))
    # Other triggers are told by those that come and those that go.
    twice = 1 if ("retraining", "triggers") in paths else 0
    assert len(told) == len(paths) + twice
    assert len(set(told)) == len(told)


def test_every_field_but_the_free_ones_has_words() -> None:
    told_otherwise = {"gate.bound", "retraining.triggers", "hyperparameters", "model"}
    fields = {field.name for field in dataclasses.fields(ModelSettings)}
    assert {path[0] for path in LEAVES} | {"model"} == fields
    assert {".".join(path) for path in LEAVES} - set(FIELDS) - told_otherwise == set()


@pytest.mark.parametrize(
    ("metric", "bound", "words"),
    [
        ("auc", 0.65, "gate stricter from 0.60 to 0.65"),
        ("auc", 0.55, "gate looser from 0.60 to 0.55"),
        ("mae", 0.65, "gate looser from 0.60 to 0.65"),
        ("mae", 0.55, "gate stricter from 0.60 to 0.55"),
    ],
)
def test_a_gate_is_stricter_by_the_direction_of_its_metric(metric: str, bound: float, words: str) -> None:
    olds, news = (
        json.dumps({**DOCUMENT, "gate": {**DOCUMENT["gate"], "metric": metric, "bound": value}})
        for value in (0.6, bound)
    )
    assert list(tell_settings(olds, news)) == [(words, "next retraining only")]


def test_another_metric_makes_bounds_incomparable() -> None:
    after = json.dumps({**DOCUMENT, "gate": {**DOCUMENT["gate"], "metric": "log_loss", "bound": 0.5}})
    texts = [text for text, _ in tell_settings(json.dumps(DOCUMENT), after)]
    assert texts == ["gate judges by log_loss instead of auc", "gate's bound from 0.60 to 0.50"]


def test_triggers_are_told_by_what_comes_and_goes() -> None:
    after = json.dumps({**DOCUMENT, "retraining": {**DOCUMENT["retraining"], "triggers": ["quality", "commit"]}})
    assert list(tell_settings(json.dumps(DOCUMENT), after)) == [
        ("retrains also on commit", "at once"),
        ("retrains no longer on drift", "at once"),
    ]


def test_hyperparameters_are_told_by_name() -> None:
    after = json.dumps({**DOCUMENT, "hyperparameters": {"depth": "5"}})
    assert list(tell_settings(json.dumps(DOCUMENT), after)) == [
        ("hyperparameters.depth from none to 5", "next retraining only")
    ]
