"""A model's settings in a stage come from the strongest layer that sets them."""

from typing import Any

from infra.fleet import load, parse
from tests.support.synth import FLEET
from tests.unit.infra.fleet.document import fleet_document


def test_layers_are_built_in_defaults_stage_model_and_the_models_stage() -> None:
    document = fleet_document()
    model = document["teams"][0]["models"][0]

    def threshold() -> Any:
        fleet = parse(document)
        values = fleet.settings(fleet.teams[0].models[0], "dev").drift
        return values and values.min_effect

    assert threshold() == 0.07
    document["defaults"]["drift"] = {"min_effect": 0.3}
    assert threshold() == 0.3
    document["stages"][0]["defaults"]["drift"] = {"min_effect": 0.4}
    assert threshold() == 0.4
    model["drift"] = {"min_effect": 0.5}
    assert threshold() == 0.5
    model["stages"] = {"dev": {"drift": {"min_effect": 0.6}}, "prod": {"drift": {"min_effect": 0.9}}}
    assert threshold() == 0.6


def test_layers_of_retention_are_built_in_fleet_and_stage() -> None:
    document = fleet_document()

    def runs(stage: str) -> int:
        return parse(document).environment(f"arrivals-{stage}-us-east-1").retention.runs

    assert runs("dev") == 90
    document["retention"] = {"runs": 60, "versions": 7}
    assert runs("dev") == 60
    document["stages"][0]["retention"] = {"runs": 30}
    assert (runs("dev"), runs("prod")) == (30, 60)
    assert parse(document).environment("arrivals-dev-us-east-1").retention.versions == 7


def test_only_the_training_stage_retrains_by_itself() -> None:
    fleet = load(FLEET)
    triggers = {
        environment.names.stage: environment.model_settings(
            environment.team.models[0], code_uri="s3://b/k"
        ).retraining.triggers
        for environment in fleet.environments()
        if environment.team.name == "arrivals"
    }
    assert triggers == {"dev": ("drift", "quality"), "staging": (), "prod": ()}


def schedules(document: Any) -> dict[str, str | None]:
    """Return the retraining schedule of the first team's model, by stage."""
    return {
        environment.names.stage: environment.retraining_schedule(environment.team.models[0])
        for environment in parse(document).environments()
        if environment.team.name == "arrivals"
    }


def test_only_the_training_stage_has_the_retraining_schedule() -> None:
    document = fleet_document()
    assert schedules(document) == {"dev": None, "staging": None, "prod": None}
    document["teams"][0]["models"][0]["retraining"] = {"triggers": ["schedule"], "schedule": "rate(7 days)"}
    assert schedules(document) == {"dev": "rate(7 days)", "staging": None, "prod": None}


def test_null_removes_the_retraining_schedule_of_the_defaults() -> None:
    document = fleet_document()
    document["defaults"]["retraining"] = {"triggers": ["drift", "schedule"], "schedule": "rate(7 days)"}
    model = document["teams"][0]["models"][0]
    model["retraining"] = {"triggers": ["drift"], "schedule": None}
    document["teams"][1]["models"][0].pop("retraining")
    assert set(schedules(document).values()) == {None}
    model["retraining"] = {}
    assert schedules(document)["dev"] == "rate(7 days)"
    model["stages"] = {"dev": {"retraining": {"schedule": "cron(0 3 ? * MON *)"}}}
    assert schedules(document)["dev"] == "cron(0 3 ? * MON *)"
    model["stages"] = {"dev": {"retraining": {"triggers": ["drift"], "schedule": None}}}
    assert schedules(document)["dev"] is None
