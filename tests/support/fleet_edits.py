"""Random edits of a fleet's file, for tests that plan and deploy them."""

import copy
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]
SERVED, OTHERS = "late-arrival", ("second-model", "third-model")
"""A model that has an endpoint and stays in the fleet, and models that come and go."""

TRIGGERS = st.lists(st.sampled_from(["drift", "quality", "commit"]), unique=True, max_size=3)
MODEL_SETTINGS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "gate": {
        "bound": st.sampled_from([0.55, 0.6, 0.65]),
        "min_gain": st.sampled_from([0.0, 0.01]),
        "min_rows": st.sampled_from([5000, 6000]),
    },
    "drift": {
        "schedule": st.sampled_from(["rate(1 hour)", "rate(20 minutes)", "cron(0 3 * * ? *)"]),
        "window_hours": st.sampled_from([1, 24]),
        "min_effect": st.sampled_from([0.07, 0.1]),
        "false_alarm_rate": st.sampled_from([0.005, 0.01]),
        "persistence": st.sampled_from([1, 2]),
    },
    "quality": {"min_labels": st.sampled_from([500, 100]), "max_loss": st.sampled_from([0.1, 0.2])},
    "training": {"instance_type": st.sampled_from(["ml.m5.large", "ml.m5.xlarge"]), "volume_gb": st.just(50)},
    "serving": {
        "instance_type": st.sampled_from(["ml.m5.large", "ml.m5.xlarge"]),
        "min_instances": st.just(1),
        "max_instances": st.sampled_from([1, 3]),
        "capture_percentage": st.sampled_from([100, 50]),
    },
}
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "window_months": st.sampled_from([3, 6]),
    "approval": st.sampled_from(["automatic", "manual"]),
    "two_people": st.booleans(),
    "hyperparameters": st.dictionaries(st.sampled_from(["depth", "rate"]), st.sampled_from(["1", "2"])),
}
RETENTION = {
    "runs": st.sampled_from([90, 30]),
    "traffic": st.sampled_from([400, 100]),
    "logs": st.sampled_from([90, 30]),
    "events": st.sampled_from([365, 30]),
    "versions": st.sampled_from([90, 7]),
}


def _some(choices: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=choices)


def _settings() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={**PLAIN, **{name: _some(choices) for name, choices in MODEL_SETTINGS.items()}}
    )


@st.composite
def _model(draw: st.DrawFn) -> dict[str, Any]:
    settings = draw(_settings())
    triggers, schedule = draw(TRIGGERS), draw(st.sampled_from([None, "rate(7 days)", "cron(0 6 ? * MON *)"]))
    settings["retraining"] = {"triggers": [*triggers, *(["schedule"] if schedule else [])]}
    if schedule:
        settings["retraining"]["schedule"] = schedule
    settings["gate"] = {"metric": "auc", "bound": 0.6, **settings.get("gate", {})}
    return settings


@st.composite
def edited(draw: st.DrawFn, document: Document) -> Document:
    """Draw another content of a fleet's file with one team, which has its ``SERVED`` model at least."""
    changed = copy.deepcopy(document)
    (team,) = changed["teams"]
    (original,) = (model for model in team["models"] if model["name"] == SERVED)
    team["owners"] = draw(st.lists(st.sampled_from(["a@example.com", "b@example.com"]), unique=True, min_size=1))
    team["monthly_budget_usd"] = draw(st.sampled_from([800, 900]))
    changed["retention"] = draw(_some(RETENTION))
    names = [SERVED, *draw(st.lists(st.sampled_from(OTHERS), unique=True))]
    team["models"] = [
        {**copy.deepcopy(original), "name": name, "program": "late_arrival", **draw(_model())} for name in names
    ]
    if draw(st.booleans()):
        # A later stage sends its findings to this one; it is planned and deployed by nobody here.
        later = {**team["environments"][0], "stage": "staging"}
        team["environments"] = [team["environments"][0], later]
    return changed
