"""The plan of edits of synthesized templates: words, classes, endpoints and costs."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.cost import Prices
from mooring.plan import rules
from mooring.plan.records import VERSION, Action, Effect, EnvironmentPlan, Plan, ResourceChange
from pipelines.interface.codec import read_json, to_json
from tests.support.planned import (
    ENVIRONMENT,
    MODEL,
    DeployedFleet,
    Templates,
    of_type,
    plan_edit,
    plan_of,
    templates,
    whole_plan_of,
)
from tests.support.update_rules import update_rules

CONFIG, LAYER, LOG = "AWS::SageMaker::EndpointConfig", "AWS::Lambda::LayerVersion", "AWS::Logs::LogGroup"


def told(planned: EnvironmentPlan, model: str = "") -> list[str]:
    return [
        f"{each.text}, {each.when}" if each.when else each.text for each in planned.sentences if each.model == model
    ]


def resources(planned: EnvironmentPlan, kind: str) -> list[ResourceChange]:
    return [each for stack in planned.stacks for each in stack.resources if each.type == kind]


def settings_of(wanted: Templates) -> Any:
    (parameter,) = (
        each["Properties"]
        for each in of_type(wanted, "AWS::SSM::Parameter").values()
        if each["Properties"]["Name"].endswith("/settings")
    )
    return parameter


def edit_settings(wanted: Templates, **changes: Any) -> None:
    parameter = settings_of(wanted)
    document = json.loads(parameter["Value"])
    for name, value in changes.items():
        document[name] = {**document[name], **value} if isinstance(value, dict) else value
    parameter["Value"] = json.dumps(document)


def edit_variant(wanted: Templates, **changes: Any) -> None:
    (config,) = of_type(wanted, CONFIG).values()
    config["Properties"]["ProductionVariants"][0].update(changes)


def test_rules_are_those_of_the_schemas() -> None:
    assert rules.FILE.read_text(encoding="utf-8") == update_rules(), "run make golden, and review its diff"


def test_nothing_differs_from_itself() -> None:
    planned = plan_edit(lambda _: None)
    assert (planned.changes, planned.stacks, planned.sentences, planned.costs) == (False, (), (), ())
    assert [each.text for each in planned.endpoints] == ["endpoint untouched"]


def test_a_stricter_gate_acts_on_the_next_retraining_and_touches_no_endpoint() -> None:
    planned = plan_edit(lambda wanted: edit_settings(wanted, gate={"bound": 0.65}))
    assert told(planned, MODEL) == ["gate stricter from 0.60 to 0.65, next retraining only"]
    assert [(each.text, each.untouched) for each in planned.endpoints] == [("endpoint untouched", True)]
    assert planned.costs == ()
    (change,) = resources(planned, "AWS::SSM::Parameter")
    assert (change.action, change.effect, change.properties[0].path) == (Action.CHANGE, Effect.NONE, "Value")


def test_another_instance_type_replaces_the_config_and_updates_the_endpoint() -> None:
    planned = plan_edit(lambda wanted: edit_variant(wanted, InstanceType="ml.m5.xlarge"))
    assert told(planned, MODEL) == ["endpoint on ml.m5.xlarge instead of ml.m5.large, on the new instances"]
    (config,), (endpoint,) = resources(planned, CONFIG), resources(planned, "AWS::SageMaker::Endpoint")
    assert (config.effect, config.kept, endpoint.effect) == (Effect.REPLACE, True, Effect.NONE)
    (change,) = planned.endpoints
    assert "blue/green" in change.text
    assert not change.untouched
    (cost,) = planned.costs
    assert cost.list_usd_after - cost.list_usd_before == pytest.approx(83.95, abs=0.01)


def test_an_endpoint_that_does_not_exist_is_changed_at_its_first_release() -> None:
    planned = plan_edit(lambda wanted: edit_variant(wanted, InstanceType="ml.m5.xlarge"), champion=False)
    assert planned.changes
    (text,) = told(planned, MODEL)
    assert text.endswith("when a release creates the endpoint")
    assert [(each.text, each.untouched) for each in planned.endpoints] == [
        ("no endpoint until its first release", True)
    ]
    (cost,) = planned.costs
    assert cost.list_usd_after == cost.list_usd_before
    assert cost.at_release_usd > 100


def test_a_refused_change_of_a_scaled_endpoint_is_told() -> None:
    deployed, wanted = DeployedFleet(), templates()
    name = f"{ENVIRONMENT}-{MODEL}-serving"
    target = {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Condition": "HasChampion", "Properties": {}}
    wanted[name]["Resources"]["Scaling"] = target
    before = copy.deepcopy(wanted)

    def edit(found: Templates) -> None:
        found.update(copy.deepcopy(before))
        edit_variant(found, InstanceType="ml.m5.xlarge")

    deployed.take(before, champions=(MODEL,))
    edit(wanted)
    planned = plan_of(wanted, deployed)
    assert "deploy twice" in next(stack.refused for stack in planned.stacks)
    assert any("mooring deploy refuses" in text for text in told(planned, MODEL))


def test_changed_code_is_one_sentence_for_all_functions() -> None:
    def edit(wanted: Templates) -> None:
        for function in of_type(wanted, "AWS::Lambda::Function").values():
            function["Properties"]["Code"]["S3Key"] = "other.zip"

    planned = plan_edit(edit)
    assert told(planned) == ["new code of 19 functions, at once"]


def test_other_layers_are_replaced_and_functions_follow() -> None:
    def edit(wanted: Templates) -> None:
        for layer in of_type(wanted, LAYER).values():
            layer["Properties"]["Content"]["S3Key"] = "other.zip"

    planned = plan_edit(edit)
    assert told(planned) == [
        "2 layers with new content, replaced, at once",
        "new layers of 19 functions, at once",
    ]
    assert {each.effect for each in resources(planned, LAYER)} == {Effect.REPLACE}
    assert {each.effect for each in resources(planned, "AWS::Lambda::Function")} == {Effect.NONE}


def test_what_has_no_words_is_told_by_its_path() -> None:
    def edit(wanted: Templates) -> None:
        for role in of_type(wanted, "AWS::IAM::Role").values():
            role["Properties"]["MaxSessionDuration"] = 7200

    assert told(plan_edit(edit)) == ["IAM Role MaxSessionDuration changes in 32 resources"]


@st.composite
def leaves(draw: st.DrawFn) -> list[str | int]:
    """Draw the path of a value in the resources of the templates: stack, "Resources", logical id, "Properties", …"""
    stack = draw(st.sampled_from(sorted(templates())))
    logical_id = draw(st.sampled_from(sorted(templates()[stack]["Resources"])))
    path: list[str | int] = [stack, "Resources", logical_id, "Properties"]
    value = templates()[stack]["Resources"][logical_id]["Properties"]
    while isinstance(value, dict | list) and value:
        step = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        if isinstance(value, dict) and (step == "Ref" or str(step).startswith("Fn::")):
            break
        path.append(step)
        value = value[step]
    return path


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(path=leaves())
def test_every_changed_property_is_told(path: list[str | int]) -> None:
    def edit(wanted: Templates) -> None:
        place: Any = wanted
        for step in path[:-1]:
            place = place[step]
        old = place[path[-1]]
        place[path[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else "other"

    planned = plan_edit(edit)
    (stack,) = planned.stacks
    assert [resource.logical_id for resource in stack.resources if not _follows(resource)] == [path[2]]
    assert planned.sentences


def _follows(resource: ResourceChange) -> bool:
    """Return whether a resource changes only because it refers to one that is replaced."""
    return all("replaced" in str(change.after) for change in resource.properties)


def test_retention_budget_and_alerts_are_told() -> None:
    def edit(wanted: Templates) -> None:
        for group in of_type(wanted, LOG).values():
            group["Properties"]["RetentionInDays"] = 30
        (budget,) = of_type(wanted, "AWS::Budgets::Budget").values()
        budget["Properties"]["Budget"]["BudgetLimit"]["Amount"] = 900
        (mail,) = of_type(wanted, "AWS::SNS::Subscription").values()
        mail["Properties"]["Endpoint"] = "other@example.com"
        capture = next(
            bucket["Properties"]["LifecycleConfiguration"]["Rules"][1]
            for bucket in of_type(wanted, "AWS::S3::Bucket").values()
            if "-capture-" in bucket["Properties"]["BucketName"]
        )
        capture["ExpirationInDays"] = 300

    assert told(plan_edit(edit)) == [
        "captured traffic kept 300 days instead of 400, at once",
        "alerts go to other@example.com instead of arrivals@example.com, at once",
        "budget $900 instead of $800 a month, at once",
        "logs of 22 groups kept 30 days instead of 90, at once",
    ]


def test_a_new_environment_is_all_new_and_has_no_endpoint() -> None:
    planned = plan_of(templates(), DeployedFleet())
    assert planned.is_new
    assert planned.changes
    (sentence,) = planned.sentences
    assert sentence.text.startswith("new environment: 4 stacks with ")
    assert {stack.action for stack in planned.stacks} == {Action.ADD}
    assert all(each.untouched for each in planned.endpoints)
    assert sum(cost.list_usd_before for cost in planned.costs) == 0


def test_a_stack_that_the_fleet_has_no_more_is_left_and_no_change() -> None:
    deployed, wanted = DeployedFleet(), templates()
    deployed.take(wanted, champions=(MODEL,))
    del wanted[f"{ENVIRONMENT}-{MODEL}-serving"]
    planned = plan_of(wanted, deployed)
    assert [stack.action for stack in planned.stacks] == [Action.LEAVE]
    assert not planned.changes
    assert "mooring retire" in told(planned, MODEL)[0]


def test_an_environment_that_the_fleet_has_no_more_is_told() -> None:
    deployed, wanted = DeployedFleet(), templates()
    deployed.take(wanted)
    gone = "arrivals-gone-us-east-1"
    tags = [{"Key": "mooring:environment", "Value": gone}]
    deployed.stacks["gone"] = {"StackName": "gone", "StackStatus": "CREATE_COMPLETE", "Tags": tags}
    plan = whole_plan_of(wanted, deployed)
    assert [(each.environment, each.stacks[0].action) for each in plan.environments[1:]] == [(gone, Action.LEAVE)]
    assert not plan.changes


def test_a_stack_whose_creation_failed_is_new_and_one_whose_update_failed_is_told() -> None:
    deployed, wanted = DeployedFleet(), templates()
    deployed.take(wanted, champions=(MODEL,))
    serving, foundation = f"{ENVIRONMENT}-{MODEL}-serving", f"{ENVIRONMENT}-foundation"
    deployed.stacks[serving]["StackStatus"] = "ROLLBACK_COMPLETE"
    deployed.stacks[foundation]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
    planned = plan_of(wanted, deployed)
    assert {stack.name: stack.action for stack in planned.stacks} == {
        serving: Action.ADD,
        foundation: Action.CHANGE,
    }
    assert f"{foundation} is UPDATE_ROLLBACK_FAILED: a deployment repeats its update" in told(planned)


def test_the_json_of_a_plan_is_read_back() -> None:
    planned = plan_edit(lambda wanted: edit_variant(wanted, InstanceType="ml.m5.xlarge"))
    plan = Plan(prices_of=Prices.load().dated, environments=(planned,))
    text = json.dumps(to_json(plan))
    assert read_json(Plan, text, "plan") == plan
    assert json.loads(text)["version"] == VERSION
