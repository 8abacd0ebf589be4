"""Facts about the stacks of an environment, read from their templates."""

import json
import re
from typing import Any

import pytest
import yaml

from infra.components import asl
from infra.components.checks_flow import checks_flow
from infra.fleet import parse
from infra.functions import FUNCTIONS
from pipelines.interface.jobs import CAPACITY_WAIT_S
from pipelines.interface.names import MODEL_STACK_KINDS, Environment
from pipelines.interface.settings import ModelSettings
from tests.infra.laws.law import listed
from tests.infra.laws.laws import LAWS, STATEFUL
from tests.support.synth import FLEET, Template, resources, templates_of

NAMES = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")
PREFIX = NAMES.id
REGISTRY = NAMES.model("late-arrival").stack("registry")


def properties(template: Template, kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources(template, kind).values()]


def test_stacks_of_an_environment(templates: dict[str, Template]) -> None:
    assert sorted(name for name in templates if name.startswith(PREFIX)) == [
        f"{PREFIX}-foundation",
        f"{PREFIX}-late-arrival-serving",
        f"{PREFIX}-operations",
        REGISTRY,
    ]


def test_logical_ids_of_stateful_resources_are_stable(templates: dict[str, Template]) -> None:
    # With another id CloudFormation creates another resource, and the old one stays behind.
    found = {
        name
        for template in (templates[f"{PREFIX}-foundation"], templates[REGISTRY])
        for name in resources(template, *STATEFUL)
    }
    assert found == STATEFUL_IDS


STATEFUL_IDS = {
    "BucketsArtifactsB9EE6400",
    "BucketsAudit0C61E492",
    "BucketsCaptureA74375D4",
    "BucketsData941F65F0",
    "EventsArchive92ED0459",
    "EventsDefaultArchiveB2E90F1F",
    "Key9BCD29C7",
    "LedgerTable9343E4AA",
    "latearrivalPackagesGroup6448D027",
}


def test_model_adds_at_most_10_resources(templates: dict[str, Template]) -> None:
    stacks = [templates[NAMES.model("late-arrival").stack(kind)] for kind in MODEL_STACK_KINDS]
    assert sum(len(template["Resources"]) for template in stacks) <= 10


@pytest.fixture(scope="session")
def scheduled() -> dict[str, Template]:
    """Return the first team's templates in dev and staging, with a schedule that retrains its model."""
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    (team, *_) = document["teams"]
    team["environments"] = [spec for spec in team["environments"] if spec["stage"] != "prod"]
    team["models"][0]["retraining"] = {"triggers": ["drift", "schedule"], "schedule": "rate(7 days)"}
    return templates_of(parse({**document, "teams": [team]}))


def test_schedule_starts_the_shared_retraining_in_the_training_stage(scheduled: dict[str, Template]) -> None:
    model = NAMES.model("late-arrival")
    (schedule,) = (
        schedule
        for schedule in properties(scheduled[REGISTRY], "AWS::Scheduler::Schedule")
        if schedule["Name"] == model.retraining_schedule
    )
    target = schedule["Target"]
    assert schedule["ScheduleExpression"] == "rate(7 days)"
    assert target["Arn"] == NAMES.state_machine_arn("retraining")
    assert target["RoleArn"] == NAMES.role_arn(NAMES.scheduler_role)
    assert target["DeadLetterConfig"]["Arn"] == NAMES.arn("sqs", NAMES.dead_letter_queue)
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}
    assert json.loads(target["Input"]) == {
        "model": "late-arrival",
        "trigger": {
            "kind": "schedule",
            "id": "<aws.scheduler.scheduled-time>",
            "by": "schedule",
            "reason": "rate(7 days), due <aws.scheduler.scheduled-time>",
        },
    }
    staging = scheduled[REGISTRY.replace("-dev-", "-staging-")]
    assert [schedule["Name"] for schedule in properties(staging, "AWS::Scheduler::Schedule")] == [
        "arrivals-staging-us-east-1-late-arrival-drift"
    ]


def test_scheduled_model_keeps_the_laws_and_the_limit_of_resources(scheduled: dict[str, Template]) -> None:
    assert [str(found) for law in LAWS for template in scheduled.values() for found in law(template)] == []
    stacks = [scheduled[NAMES.model("late-arrival").stack(kind)] for kind in MODEL_STACK_KINDS]
    assert sum(len(template["Resources"]) for template in stacks) <= 10


def test_scheduler_may_start_checks_landing_and_the_retraining_only(templates: dict[str, Template]) -> None:
    (role,) = (
        role
        for role in properties(templates[f"{PREFIX}-operations"], "AWS::IAM::Role")
        if role.get("RoleName") == NAMES.scheduler_role
    )
    (policy,) = role["Policies"]
    found = {
        statement["Action"]: statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
        if isinstance(statement["Action"], str)
    }
    assert found == {
        "lambda:InvokeFunction": [NAMES.function_arn("drift_check"), NAMES.function_arn("land_files")],
        "states:StartExecution": NAMES.state_machine_arn("retraining"),
        "sqs:SendMessage": NAMES.arn("sqs", NAMES.dead_letter_queue),
    }


def test_roles_of_executions_reach_those_of_a_distributed_map_too(templates: dict[str, Template]) -> None:
    of_the_map = NAMES.arn("states", f"execution:{NAMES.state_machine('checks')}/*")
    found = [
        (action, of_the_map in statement["Resource"])
        for kind in ("foundation", "operations")
        for role in properties(templates[f"{PREFIX}-{kind}"], "AWS::IAM::Role")
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if f"execution:{NAMES.state_machine('checks')}:" in str(statement.get("Resource"))
        for action in listed(statement["Action"])
    ]
    assert {action for action, _ in found} >= {"states:DescribeExecution", "states:StopExecution"}
    assert all(both for _, both in found)


def test_throttled_batches_are_retried_long_enough_and_answer_nothing() -> None:
    (counting, *_) = checks_flow(NAMES)["States"].values()
    batch = counting["ItemProcessor"]["States"]["Count batch"]
    assert batch["OutputPath"] is None
    busy = next(retry for retry in batch["Retry"] if "Lambda.TooManyRequestsException" in retry["ErrorEquals"])
    # A delay with jitter is half as long on average. A batch takes less than five minutes, and a new account runs ten
    # functions at once.
    assert busy["MaxAttempts"] * busy["MaxDelaySeconds"] / 2 >= 300 * counting["MaxConcurrency"] / 10


def test_flows_that_end_badly_call_a_function_that_alerts(templates: dict[str, Template]) -> None:
    ended = {
        rule["EventPattern"]["detail"]["stateMachineArn"][0]["Ref"]: rule["EventPattern"]["detail"]["status"]
        for rule in properties(templates[f"{PREFIX}-operations"], "AWS::Events::Rule")
        if rule["EventPattern"]["source"] == ["aws.states"]
    }
    assert set(ended) == set(resources(templates[f"{PREFIX}-operations"], "AWS::StepFunctions::StateMachine"))
    assert all(set(statuses) == {"FAILED", "ABORTED", "TIMED_OUT"} for statuses in ended.values())


def test_environment_has_one_dashboard_and_one_alarm_and_a_served_model_one_more(
    templates: dict[str, Template],
) -> None:
    found = {
        name.removeprefix(f"{PREFIX}-"): len(alarms)
        for name, template in templates.items()
        if name.startswith(PREFIX) and (alarms := resources(template, "AWS::CloudWatch::Alarm"))
    }
    assert found == {"foundation": 1, "late-arrival-serving": 1}
    dashboards = [name for name, template in templates.items() if resources(template, "AWS::CloudWatch::Dashboard")]
    assert [name for name in dashboards if name.startswith(PREFIX)] == [f"{PREFIX}-operations"]


def test_engineer_may_request_a_retraining_and_put_no_other_event(templates: dict[str, Template]) -> None:
    found = [
        (role["RoleName"], statement["Resource"], statement["Condition"])
        for role in properties(templates[f"{PREFIX}-foundation"], "AWS::IAM::Role")
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "events:PutEvents" in statement["Action"]
    ]
    requests_only = {"StringEquals": {"events:source": "mooring", "events:detail-type": "Retraining Requested"}}
    assert found == [(NAMES.persona_role("engineer"), NAMES.arn("events", f"event-bus/{NAMES.bus}"), requests_only)]


def test_serving_has_one_parameter_and_nothing_without_a_champion(templates: dict[str, Template]) -> None:
    template = templates[f"{PREFIX}-late-arrival-serving"]
    parameters = template["Parameters"]
    assert list(parameters) == ["ReleaseState"]
    assert parameters["ReleaseState"]["Type"] == "AWS::SSM::Parameter::Value<List<String>>"
    assert parameters["ReleaseState"]["Default"] == NAMES.model("late-arrival").release_parameter
    assert {resource.get("Condition") for resource in template["Resources"].values()} == {"HasChampion"}


def test_immutable_parts_of_an_endpoint_have_no_name(templates: dict[str, Template]) -> None:
    template = templates[f"{PREFIX}-late-arrival-serving"]
    (model,) = properties(template, "AWS::SageMaker::Model")
    (config,) = properties(template, "AWS::SageMaker::EndpointConfig")
    (endpoint,) = properties(template, "AWS::SageMaker::Endpoint")
    assert "ModelName" not in model
    assert "EndpointConfigName" not in config
    assert endpoint["EndpointName"] == NAMES.model("late-arrival").endpoint
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        (resource,) = resources(template, f"AWS::SageMaker::{kind}").values()
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_prod_serves_on_two_instances_and_is_protected(templates: dict[str, Template]) -> None:
    prod = "arrivals-prod-us-east-1"
    (config,) = properties(templates[f"{prod}-late-arrival-serving"], "AWS::SageMaker::EndpointConfig")
    assert config["ProductionVariants"][0]["InitialInstanceCount"] == 2
    (table,) = properties(templates[f"{prod}-foundation"], "AWS::DynamoDB::Table")
    assert table["DeletionProtectionEnabled"] is True


def test_functions_can_read_the_settings_document(templates: dict[str, Template]) -> None:
    (parameter,) = properties(templates[REGISTRY], "AWS::SSM::Parameter")
    settings = ModelSettings.from_json(parameter["Value"])
    assert parameter["Name"] == NAMES.model("late-arrival").settings_parameter
    assert len(parameter["Value"]) < 4096
    assert (settings.gate.metric, settings.gate.bound, settings.retraining.cooldown_s) == ("auc", 0.6, 60)
    assert re.fullmatch(r"s3://cdk-\w+-assets-111111111111-us-east-1/[0-9a-f]{64}\.gz", settings.code_uri)


def test_every_function_is_deployed_under_its_name(templates: dict[str, Template]) -> None:
    found = {
        function["FunctionName"]: function["Handler"]
        for function in properties(templates[f"{PREFIX}-operations"], "AWS::Lambda::Function")
    }
    assert found == {NAMES.function(spec.name): spec.handler for spec in FUNCTIONS if spec.has(None)}


def test_release_updates_stacks_under_the_deployer_role_only(templates: dict[str, Template]) -> None:
    text = json.dumps(templates[f"{PREFIX}-operations"])
    assert text.count('"cloudformation:UpdateStack"') == 1
    roles = properties(templates[f"{PREFIX}-operations"], "AWS::IAM::Role")
    (statement,) = [
        statement
        for role in roles
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "cloudformation:UpdateStack"
    ]
    assert statement["Condition"]["StringEquals"]["cloudformation:RoleArn"].endswith(NAMES.release_deployer_role)


def test_release_deployer_has_the_permissions_of_its_stack_update(templates: dict[str, Template]) -> None:
    (role,) = [
        role
        for role in properties(templates[f"{PREFIX}-operations"], "AWS::IAM::Role")
        if role.get("RoleName") == NAMES.release_deployer_role
    ]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    endpoints = NAMES.arn("sagemaker", f"endpoint/{NAMES.id}-*")
    scaled = [item for item in statements if "sagemaker:UpdateEndpointWeightsAndCapacities" in item["Action"]]
    assert [item["Resource"] for item in scaled] == [endpoints]
    # Only some actions have the condition key of the scaled service; others with it would always be denied.
    conditioned = {
        action
        for item in statements
        if "application-autoscaling:service-namespace" in json.dumps(item.get("Condition", {}))
        for action in item["Action"]
    }
    assert conditioned == {
        f"application-autoscaling:{action}"
        for action in (
            "RegisterScalableTarget",
            "DeregisterScalableTarget",
            "PutScalingPolicy",
            "DeleteScalingPolicy",
        )
    }


def test_no_person_may_release_without_the_flow(templates: dict[str, Template]) -> None:
    forbidden = ("ssm:PutParameter", "cloudformation:UpdateStack", "sagemaker:Update", "sagemaker:Create")
    for role in properties(templates[f"{PREFIX}-foundation"], "AWS::IAM::Role"):
        assert not any(action in json.dumps(role) for action in forbidden)


def test_endpoint_whose_size_is_fixed_is_not_scaled() -> None:
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    team = document["teams"][0]
    team["models"][0]["serving"] = {"min_instances": 2, "max_instances": 2}
    found = templates_of(parse({**document, "teams": [{**team, "environments": team["environments"][:1]}]}))
    serving = found[f"{PREFIX}-late-arrival-serving"]
    kinds = {resource["Type"] for resource in serving["Resources"].values()}
    (endpoint,) = properties(serving, "AWS::SageMaker::Endpoint")
    assert endpoint["RetainAllVariantProperties"] is False, "a change of the number must reach the endpoint"
    assert not {kind for kind in kinds if kind.startswith("AWS::ApplicationAutoScaling::")}


def test_lease_lasts_as_long_as_the_flow_waits_for_instances() -> None:
    retry = asl.NO_CAPACITY
    waits = [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** number, retry["MaxDelaySeconds"])
        for number in range(retry["MaxAttempts"])
    ]
    assert sum(waits) + asl.CAPACITY_RETRY_S == CAPACITY_WAIT_S
