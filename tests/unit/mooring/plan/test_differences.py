"""Two templates of a stack are compared as CloudFormation compares them in an update."""

from typing import Any

import pytest

from mooring.errors import MooringError
from mooring.plan.differences import compare
from mooring.plan.records import Action, Effect, ResourceChange
from mooring.plan.resolved import Template


def template(resources: dict[str, Any], *, state: str = "on", **more: Any) -> Template:
    return Template({"Resources": resources, **more}, parameters={"State": state}, pseudo={"AWS::Region": "eu-west-1"})


def resource(kind: str, properties: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties or {}, **attributes}


def changes(before: Template | None, after: Template | None, **more: Any) -> dict[str, ResourceChange]:
    return {one.change.logical_id: one.change for one in compare(before, after, **more)}


def test_equal_templates_have_no_changes() -> None:
    resources = {"T": resource("SNS::Topic", {"TopicName": {"Fn::Sub": "${State}-topic"}})}
    joined = {"T": resource("SNS::Topic", {"TopicName": {"Fn::Join": ["-", [{"Ref": "State"}, "topic"]]}})}
    assert changes(template(resources), template(resources)) == {}
    assert changes(template(resources), template(joined)) == {}, "another function with the same value"


def test_properties_are_told_by_path_with_both_values_and_their_effect() -> None:
    before = {"B": resource("Budgets::Budget", {"Budget": {"BudgetLimit": {"Amount": 1}, "BudgetName": "one"}})}
    after = {"B": resource("Budgets::Budget", {"Budget": {"BudgetLimit": {"Amount": 2}, "BudgetName": "two"}})}
    amount, name = changes(template(before), template(after))["B"].properties
    assert (amount.path, amount.before, amount.after, amount.effect) == (
        "Budget.BudgetLimit.Amount",
        1,
        2,
        Effect.NONE,
    )
    assert (name.path, name.effect, name.certain) == ("Budget.BudgetName", Effect.REPLACE, True)


def test_a_property_that_interrupts_is_told() -> None:
    before, after = (
        {"T": resource("DynamoDB::Table", {"SSESpecification": {"SSEEnabled": on}})} for on in (True, False)
    )
    assert changes(template(before), template(after))["T"].effect == Effect.INTERRUPT


def test_replacement_goes_on_to_resources_that_refer_to_it_in_a_create_only_property() -> None:
    def stack(path: str) -> Template:
        return template(
            {
                "Q": resource("SQS::Queue", {"QueueName": path}),
                "M": resource("Lambda::EventSourceMapping", {"EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}}),
                "P": resource("SQS::QueuePolicy", {"Queues": [{"Ref": "Q"}]}),
                "A": resource("CloudWatch::Alarm", {"AlarmDescription": {"Fn::Sub": "of ${M}"}}),
                "O": resource("SNS::Topic"),
            }
        )

    found = changes(stack("one"), stack("two"))
    assert {name: change.effect for name, change in found.items()} == {
        "Q": Effect.REPLACE,
        "M": Effect.REPLACE,
        "P": Effect.NONE,
        "A": Effect.NONE,
    }
    assert found["P"].properties[0].after == {"Ref": "Q", "replaced": True}


def test_a_replacement_with_the_same_name_is_refused() -> None:
    before, after = ({"R": resource("IAM::Role", {"RoleName": "named", "Path": path})} for path in ("/one/", "/two/"))
    assert "give it another RoleName" in changes(template(before), template(after))["R"].refused
    unnamed = ({"R": resource("IAM::Role", {"Path": path})} for path in ("/one/", "/two/"))
    assert changes(*map(template, unnamed))["R"].refused == ""


def test_another_type_under_the_same_id_is_refused() -> None:
    found = changes(template({"R": resource("SNS::Topic")}), template({"R": resource("SQS::Queue")}))
    assert "does not change a resource's type" in found["R"].refused


@pytest.mark.parametrize(("policy", "kept"), [("Retain", True), ("RetainExceptOnCreate", True), ("Delete", False)])
def test_a_removed_resource_is_kept_or_deleted_by_its_old_policy(policy: str, kept: bool) -> None:
    removed = changes(template({"T": resource("SNS::Topic", DeletionPolicy=policy)}), template({}))["T"]
    assert (removed.action, removed.kept) == (Action.REMOVE, kept)


def test_changed_attributes_touch_no_resource() -> None:
    before, after = (template({"T": resource("SNS::Topic", DeletionPolicy=one)}) for one in ("Delete", "Retain"))
    changed = changes(before, after)["T"]
    assert not changed.touched
    assert [one.path for one in changed.attributes] == ["DeletionPolicy"]


def test_conditions_add_remove_and_postpone_resources() -> None:
    conditions: dict[str, Any] = {"Conditions": {"On": {"Fn::Equals": [{"Ref": "State"}, "on"]}}}

    def stack(name: str, state: str) -> Template:
        return template({"T": resource("SNS::Topic", {"DisplayName": name}, Condition="On")}, state=state, **conditions)

    assert changes(stack("a", "off"), stack("a", "on"))["T"].action == Action.ADD
    assert changes(stack("a", "on"), stack("a", "off"))["T"].action == Action.REMOVE
    postponed = changes(stack("a", "off"), stack("b", "off"))["T"]
    assert (postponed.action, postponed.touched) == (Action.LATER, False)
    assert postponed.properties[0].path == "DisplayName", "no change is left out"
    assert changes(None, stack("a", "off")) == {}


def test_tags_of_the_stack_change_each_resource_that_takes_them() -> None:
    resources = {"T": resource("SNS::Topic"), "S": resource("Scheduler::Schedule")}
    found = changes(template(resources), template(resources), tags=({"a": "1"}, {"a": "2"}))
    assert [(name, change.properties[0].path) for name, change in found.items()] == [("T", "Tags")]


def test_custom_resources_are_updated_in_place() -> None:
    before, after = ({"C": {"Type": "Custom::Thing", "Properties": {"Days": days}}} for days in (1, 2))
    assert changes(template(before), template(after))["C"].effect == Effect.NONE


def test_a_type_without_rules_is_an_error_that_names_it() -> None:
    before, after = ({"C": resource("Nobody::Knows", {"A": value})} for value in (1, 2))
    with pytest.raises(MooringError, match="AWS::Nobody::Knows"):
        changes(template(before), template(after))


def test_a_condition_on_an_unknown_value_is_an_error_that_names_it() -> None:
    conditions: dict[str, Any] = {"Conditions": {"On": {"Fn::Equals": [{"Ref": "Absent"}, "on"]}}}
    with pytest.raises(MooringError, match="condition On cannot be evaluated"):
        changes(None, template({"T": resource("SNS::Topic", Condition="On")}, **conditions))
