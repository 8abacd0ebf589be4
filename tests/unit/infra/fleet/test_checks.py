"""Names, limits and contradictory settings of a fleet are refused, all at once."""

from typing import Any

import pytest

from infra import images
from infra.fleet import FleetError, parse
from tests.unit.infra.fleet.document import fleet_document


def problems_after(change: Any) -> str:
    """Return the message on the tests' fleet after a change."""
    document = fleet_document()
    change(document)
    with pytest.raises(FleetError) as caught:
        parse(document)
    return str(caught.value)


@pytest.mark.parametrize(
    ("retraining", "expected"),
    [
        (
            {"triggers": ["drift", "schedule"]},
            "teams[0].models[0].retraining.schedule: None; "
            "allowed: a rate(…) or cron(…), because retraining.triggers names schedule (in stage dev)",
        ),
        (
            {"triggers": ["drift", "commit"], "schedule": "rate(7 days)"},
            "teams[0].models[0].retraining.schedule: 'rate(7 days)'; "
            "allowed: null, or schedule among retraining.triggers, which are drift, commit (in stage dev)",
        ),
        (
            {"triggers": [], "schedule": "rate(7 days)"},
            "allowed: null, or schedule among retraining.triggers, which are empty (in stage dev)",
        ),
        ({"triggers": ["schedule"], "schedule": "weekly"}, "retraining.schedule: 'weekly'; allowed: match pattern"),
    ],
)
def test_refuses_a_schedule_without_its_trigger_and_a_trigger_without_its_schedule(
    retraining: dict[str, Any], expected: str
) -> None:
    text = problems_after(lambda document: document["teams"][0]["models"][0].update(retraining=retraining))
    assert expected in text


def test_all_errors_are_reported_at_once() -> None:
    def change(document: Any) -> None:
        document["teams"][0]["models"][0]["drift"] = {"window_hours": 0, "min_efect": 0.3}
        document["teams"][0]["environments"][0]["account"] = "12345"
        document["teams"][1]["environments"][0]["region"] = "eu-west-9"
        document["teams"][1]["models"][0]["gate"]["metric"] = "auc"
        document["teams"][1]["name"] = "arrivals"

    text = problems_after(change)
    assert "teams[0].models[0].drift.window_hours: 0; allowed: greater than or equal to 1" in text
    assert "teams[0].models[0].drift.min_efect: 'min_efect'; allowed: did you mean min_effect?" in text
    assert "teams[0].environments[0].account: '12345'; allowed: an account id: 12 digits" in text
    assert "teams[1].environments[0].region: 'eu-west-9'; allowed: did you mean eu-west-" in text
    assert "teams[1].models[0].gate.metric: 'auc'; allowed: for regression one of mae, rmse" in text
    assert "teams[1].name: 'arrivals'; allowed: a name that no other entry has" in text


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("teams", 0, "environments", 0, "account"), 111111111111, "put quotes around it"),
        (("teams", 0, "models", 0, "serving"), {"mode": "serverless"}, "a serverless endpoint captures no traffic"),
        (("teams", 0, "models", 0, "serving"), {"capture_percentage": 0}, "serving.capture_percentage: 0"),
        (("teams", 0, "models", 0, "serving"), {"min_instances": 9}, "at most max_instances"),
        (("retention",), {"runs": 1}, "retention.runs: 1; allowed: greater than or equal to 14"),
        (("retention",), {"logs": 45}, "retention.logs: 45; allowed: 1, 3, 5, 7, 14, 30, 60, 90"),
        (("retention",), {"rusn": 45}, "did you mean runs?"),
        (("stages", 2, "defaults", "serving"), {"min_instances": 1}, "at least 2 in prod"),
        (("teams", 0, "models", 0, "serving"), {"instance_type": "m5.large"}, "serving.instance_type: 'm5.large'"),
        (("teams", 0, "models", 0, "training"), {"instance_type": "ml.m5d.large"}, "a type without local disks"),
        (("teams", 0, "models", 0, "training"), {"instance_type": "ml.m5.lage"}, "such as ml.m5.large"),
        (("teams", 0, "models", 0, "processing"), {"instance_type": "ml.t2.medium"}, "SageMaker has for processing"),
        (("teams", 0, "models", 0, "serving"), {"instance_type": "ml.m7g.large"}, "a type with an x86 processor"),
        (("teams", 0, "models", 0, "serving"), {"instance_type": "ml.t2.medium"}, "SageMaker does not scale these"),
        (("teams", 0, "models", 0, "training_stage"), "test", "one of the team's stages dev, staging, prod"),
        (("teams", 0, "models", 0, "stages"), {"prodd": {}}, "one of the stages dev, staging, prod"),
        (("teams", 0, "models", 0, "name"), "late-arrival-of-flights-that-left-new-york", "characters for the"),
        (("teams", 0, "models", 0, "name"), "Late_Arrival", "small letters"),
        (("teams", 0, "models", 0, "gate"), {"metric": "auc"}, "gate.bound: None"),
        (("teams", 0, "environments", 1, "stage"), "dev", "an environment (team, stage, region) that is listed once"),
        (("teams", 0, "owners"), [], "at least 1"),
        (("teams", 0, "colour"), "blue", "teams[0].colour: 'colour'; allowed: one of"),
    ],
)
def test_wrong_value_is_refused(path: tuple[int | str, ...], value: Any, expected: str) -> None:
    def change(document: Any) -> None:
        at = document
        for part in path[:-1]:
            at = at[part]
        at[path[-1]] = value

    assert expected in problems_after(change)


def test_burstable_type_that_is_not_scaled_is_accepted() -> None:
    document = fleet_document()
    serving = {"instance_type": "ml.t2.medium", "min_instances": 2, "max_instances": 2}
    document["stages"][2]["defaults"]["serving"] = document["teams"][0]["models"][0]["serving"] = serving
    parse(document)


def test_settings_that_do_not_fit_into_a_parameter_are_refused_with_their_size() -> None:
    def change(document: Any) -> None:
        document["teams"][0]["models"][0]["hyperparameters"] = {f"parameter_{number}": "x" * 50 for number in range(60)}

    text = problems_after(change)
    assert "teams[0].models[0].hyperparameters: '60 entries'; allowed: fewer: with them the settings have 5,0" in text
    assert "characters in arrivals-prod-us-east-1, and Parameter Store takes 4,096" in text


def test_one_bucket_is_adopted_by_one_environment_only() -> None:
    def change(document: Any) -> None:
        for environment in document["teams"][0]["environments"][:2]:
            environment["adopt"] = {"data_bucket": "lake-of-flights"}

    text = problems_after(change)
    for number in (0, 1):
        at = f"teams[0].environments[{number}].adopt.data_bucket"
        assert f"{at}: 'lake-of-flights'; allowed: a bucket that no other environment uses" in text


@pytest.mark.parametrize("name", ["Lake", "a", "lake_of_flights", "-lake"])
def test_name_that_no_bucket_can_have_is_not_adopted(name: str) -> None:
    text = problems_after(lambda document: document["teams"][0]["environments"][0].update(adopt={"data_bucket": name}))
    assert f"adopt.data_bucket: '{name}'" in text


def test_endpoint_of_another_name_is_not_adopted() -> None:
    text = problems_after(lambda document: document["teams"][0]["environments"][0].update(adopt={"endpoint": "scores"}))
    assert "environments[0].adopt.endpoint: 'endpoint'; allowed: one of data_bucket" in text


def with_tooling(document: Any) -> None:
    document["tooling"] = {"account": "333333333331", "region": "eu-west-1"}


def test_two_people_need_an_approval_of_the_stage() -> None:
    assert "stages[2].promotion.approval: 'automatic'; allowed: manual, because teams[0].models[0]" in problems_after(
        with_tooling
    )

    def change(document: Any) -> None:
        with_tooling(document)
        document["stages"][2]["promotion"] = {"approval": "manual"}

    document = fleet_document()
    change(document)
    parse(document)


def test_pipeline_with_more_actions_than_codepipeline_accepts_is_refused() -> None:
    def change(document: Any) -> None:
        with_tooling(document)
        stages = [f"s{number:02}" for number in range(48)]
        document["stages"] = [{"name": stage} for stage in stages]
        document["teams"] = document["teams"][:1]
        document["teams"][0]["models"] = []
        document["teams"][0]["environments"] = [
            {"stage": stage, "account": "111111111111", "region": region}
            for stage in stages
            for region in sorted(images.REGISTRIES)[:11]
        ]

    text = problems_after(change)
    assert "at most 50 stages, and the team's would have 51" in text
    assert "at most 1,000 actions, and the team's would have 1,059" in text
