"""CloudFormation: what an update replaces by the schemas' rules, what it refuses, and which events it has."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.support.embedded_aws import EmbeddedAws

Resources = dict[str, Any]


@pytest.fixture
def name() -> str:
    return f"u{uuid4().hex[:10]}"


@pytest.fixture
def cloudformation(embedded_aws: EmbeddedAws) -> Any:
    return embedded_aws.client("cloudformation")


def settled(client: Any, stack: str) -> str:
    while (found := client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith("_IN_PROGRESS"):
        pass
    return str(found)


def create(client: Any, stack: str, resources: Resources) -> None:
    body = json.dumps({"Resources": resources})
    client.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert settled(client, stack) == "CREATE_COMPLETE"


def update(client: Any, stack: str, resources: Resources) -> str:
    body = json.dumps({"Resources": resources})
    client.update_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    return settled(client, stack)


def physical_ids(client: Any, stack: str) -> dict[str, str]:
    found = client.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def budget(name: str, amount: int) -> dict[str, Any]:
    limit = {"Amount": amount, "Unit": "USD"}
    return resource(
        "Budgets::Budget",
        Budget={"BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit},
    )


def test_a_create_only_part_of_a_property_replaces_and_another_part_does_not(cloudformation: Any, name: str) -> None:
    create(cloudformation, name, {"B": budget(f"{name}-one", 1)})
    before = physical_ids(cloudformation, name)
    assert update(cloudformation, name, {"B": budget(f"{name}-one", 2)}) == "UPDATE_COMPLETE"
    assert physical_ids(cloudformation, name) == before
    assert update(cloudformation, name, {"B": budget(f"{name}-two", 2)}) == "UPDATE_COMPLETE"
    assert physical_ids(cloudformation, name) != before


def test_a_replacement_with_its_predecessors_name_is_refused(cloudformation: Any, name: str) -> None:
    def group(description: str) -> Resources:
        kind = "SageMaker::ModelPackageGroup"
        return {"G": resource(kind, ModelPackageGroupName=name, ModelPackageGroupDescription=description)}

    create(cloudformation, name, group("one"))
    assert update(cloudformation, name, group("two")) == "UPDATE_ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert "custom-named resource requires replacing" in reasons


def test_an_update_has_events_of_what_it_touches_only(cloudformation: Any, name: str) -> None:
    def topics(display: str) -> Resources:
        changed = resource("SNS::Topic", TopicName=f"{name}-changed", DisplayName=display)
        return {"Changed": changed, "Same": resource("SNS::Topic", TopicName=f"{name}-same")}

    create(cloudformation, name, topics("one"))
    seen = {event["EventId"] for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]}
    assert update(cloudformation, name, topics("two")) == "UPDATE_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert {each["LogicalResourceId"] for each in events if each["EventId"] not in seen} == {name, "Changed"}
