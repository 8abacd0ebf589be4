"""A model's trainer, pipelines and stages are found in the fleet, and what is wrong there is named."""

import json

import pytest

from infra.fleet import FleetEnvironment, parse
from mooring.errors import MooringError
from mooring.promotions.places import planned_stages, require_person, tooling_of, trainer_of
from tests.support.synth import example_fleet, promoting_fleet

EVERY = list(promoting_fleet().deployable().values())


def changed(team: int, **stages: list[dict[str, str]]) -> list[FleetEnvironment]:
    document = json.loads(promoting_fleet().model_dump_json(exclude_unset=True))
    document["teams"][team]["environments"] += stages["environments"]
    return list(parse(document).deployable().values())


def test_model_is_promoted_by_the_environment_that_trains_it() -> None:
    assert trainer_of(EVERY, "late-arrival", None).names.id == "arrivals-dev-us-east-1"


def test_of_two_regions_that_train_the_first_promotes() -> None:
    every = changed(0, environments=[{"stage": "dev", "account": "111111111111", "region": "eu-west-1"}])
    assert trainer_of(every, "late-arrival", None).names.id == "arrivals-dev-us-east-1"
    assert trainer_of(every, "late-arrival", "arrivals-dev-eu-west-1").names.region == "eu-west-1"


def test_unknown_model_and_environment_are_refused_with_the_known_ones() -> None:
    with pytest.raises(MooringError, match="no model 'late'") as model:
        trainer_of(EVERY, "late", None)
    assert "late-arrival" in model.value.remedy
    with pytest.raises(MooringError, match="network-dev-eu-west-1 is no environment with the model") as environment:
        trainer_of(EVERY, "late-arrival", "network-dev-eu-west-1")
    assert "arrivals-dev-us-east-1" in environment.value.remedy


def test_pipelines_are_those_of_the_models_team() -> None:
    assert [place.names.id for place in tooling_of(EVERY, "late-arrival")] == ["arrivals-tooling-eu-west-1"]
    assert len(tooling_of(EVERY)) == 2


def test_fleet_without_a_tooling_account_has_no_pipelines() -> None:
    with pytest.raises(MooringError, match="has no tooling account"):
        tooling_of(list(example_fleet().deployable().values()))


def test_promotion_enters_the_stages_in_order_and_tells_who_approves() -> None:
    trainer = trainer_of(EVERY, "late-arrival", None)
    staging, prod = planned_stages(trainer, "late-arrival", "prod", by="ann", trained_by="ben")
    assert (staging.stage, staging.environments, staging.approver) == ("staging", ("arrivals-staging-us-east-1",), "")
    assert prod.environments == ("arrivals-prod-us-east-1", "arrivals-prod-eu-west-1")
    assert prod.in_order
    assert "other than ann (requested it) and ben (trained it)" in prod.approver
    assert [each.stage for each in planned_stages(trainer, "late-arrival", "staging", by="a", trained_by="")] == [
        "staging"
    ]


@pytest.mark.parametrize("to", ["dev", "qa"])
def test_stage_that_is_not_a_later_one_is_refused(to: str) -> None:
    with pytest.raises(MooringError, match=f"'{to}' is no stage of arrivals after dev") as refused:
        planned_stages(trainer_of(EVERY, "late-arrival", None), "late-arrival", to, by="ann", trained_by="")
    assert refused.value.remedy == "use one of staging, prod"


@pytest.mark.parametrize("by", ["Ann Lee", "a", "", "ann/ben", "x" * 65])
def test_name_that_aws_cannot_record_is_refused(by: str) -> None:
    require_person("ann.lee@example.com")
    with pytest.raises(MooringError, match="no name that AWS can record"):
        require_person(by)
