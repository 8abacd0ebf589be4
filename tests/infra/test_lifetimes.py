"""What an environment keeps, and for how long: the laws with a template that breaks each, and the fleet's retention."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ministack.services import eventbridge

from infra.fleet import parse
from infra.stacks.properties import stack_properties
from pipelines.interface.names import Environment
from tests.infra.laws import lifetimes
from tests.infra.laws.law import Law
from tests.support.synth import Template, changed, example_fleet, resources, templates_of
from tests.unit.infra.fleet.document import fleet_document

FOUNDATION, OPERATIONS = "arrivals-dev-us-east-1-foundation", "arrivals-dev-us-east-1-operations"
ACCOUNT = "111111111111"
Break = Callable[[Template], Template]


@pytest.mark.parametrize("law", lifetimes.LAWS, ids=lambda law: law.__name__)
def test_law_holds_for_every_stack(law: Law, templates: dict[str, Template]) -> None:
    broken = [f"{stack}: {violation}" for stack, template in templates.items() for violation in law(template)]
    assert broken == []


def with_rule(kind: str, **rule: Any) -> Break:
    """Add a lifecycle rule to the bucket of a kind."""

    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        for bucket in resources(template, "AWS::S3::Bucket").values():
            if f"-{kind}-" in bucket["Properties"]["BucketName"]:
                rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
                rules.append({"Status": "Enabled", **rule})
        return template

    return apply


def without_rules(field: str) -> Break:
    """Remove from every bucket the lifecycle rules that have a field."""

    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        for bucket in resources(template, "AWS::S3::Bucket").values():
            found = bucket["Properties"]["LifecycleConfiguration"]
            found["Rules"] = [rule for rule in found["Rules"] if field not in rule]
        return template

    return apply


def moving_small_objects(template: Template) -> Template:
    template = copy.deepcopy(template)
    for bucket in resources(template, "AWS::S3::Bucket").values():
        del bucket["Properties"]["LifecycleConfiguration"]["TransitionDefaultMinimumObjectSize"]
    return template


def without(kind: str, name: str) -> Break:
    def apply(template: Template) -> Template:
        for logical_id in resources(template, kind):
            template = changed(template, logical_id, **{name: None})
        return template

    return apply


def counting_the_account(template: Template) -> Template:
    template = copy.deepcopy(template)
    for budget in resources(template, "AWS::Budgets::Budget").values():
        del budget["Properties"]["Budget"]["CostFilters"]
    return template


def counting_another(template: Template) -> Template:
    template = copy.deepcopy(template)
    for budget in resources(template, "AWS::Budgets::Budget").values():
        budget["Properties"]["Budget"]["CostFilters"] = {"TagKeyValue": ["user:mooring:environment$other"]}
    return template


KEPT, GROWING = lifetimes.what_is_referred_to_never_expires, lifetimes.nothing_grows_for_ever
ENDING, BUDGETS = lifetimes.logs_and_archives_end, lifetimes.budgets_count_their_environment
PROOFS: list[tuple[Law, str, Break, str]] = [
    (KEPT, FOUNDATION, with_rule("data", Prefix="datasets/", ExpirationInDays=9), "BucketsData"),
    (KEPT, FOUNDATION, with_rule("data", Prefix="landing/", ExpirationInDays=9), "BucketsData"),
    (KEPT, FOUNDATION, with_rule("data", NoncurrentVersionExpiration={"NoncurrentDays": 9}), "BucketsData"),
    (KEPT, FOUNDATION, with_rule("artifacts", Prefix="runs/late-arrival/", ExpirationInDays=9), "BucketsArtifacts"),
    (KEPT, FOUNDATION, with_rule("artifacts", Prefix="co", ExpirationInDays=9), "BucketsArtifacts"),
    (KEPT, FOUNDATION, with_rule("artifacts", ExpirationInDays=9), "BucketsArtifacts"),
    (KEPT, FOUNDATION, with_rule("audit", ExpirationInDays=9), "BucketsAudit"),
    (KEPT, FOUNDATION, with_rule("audit", ExpirationDate="2030-01-01T00:00:00Z"), "BucketsAudit"),
    (GROWING, FOUNDATION, without_rules("AbortIncompleteMultipartUpload"), "BucketsAudit"),
    (GROWING, FOUNDATION, without_rules("ExpirationInDays"), "BucketsAudit"),
    (GROWING, FOUNDATION, without_rules("ExpiredObjectDeleteMarker"), "BucketsData"),
    (GROWING, FOUNDATION, moving_small_objects, "BucketsCapture"),
    (GROWING, FOUNDATION, with_rule("data", NoncurrentVersionTransitions=[{}]), "BucketsData"),
    (ENDING, OPERATIONS, without("AWS::Logs::LogGroup", "RetentionInDays"), "ChecksLog"),
    (ENDING, OPERATIONS, without("AWS::Logs::LogGroup", "KmsKeyId"), "ChecksLog"),
    (ENDING, FOUNDATION, without("AWS::Events::Archive", "RetentionDays"), "EventsArchive"),
    (BUDGETS, FOUNDATION, counting_the_account, "BudgetED13AE41"),
    (BUDGETS, FOUNDATION, counting_another, "BudgetED13AE41"),
]
"""Law, stack, change that breaks the law, and the beginning of one resource that the law must name."""


@pytest.mark.parametrize(
    ("law", "stack", "break_", "resource"),
    PROOFS,
    ids=[f"{law.__name__}-{number}" for number, (law, *_) in enumerate(PROOFS)],
)
def test_law_names_the_resource_that_breaks_it(
    law: Law, stack: str, break_: Break, resource: str, templates: dict[str, Template]
) -> None:
    assert list(law(templates[stack])) == []
    named = [violation.resource for violation in law(break_(templates[stack]))]
    assert any(name.startswith(resource) for name in named), named


@pytest.fixture(scope="module")
def neighbours() -> dict[str, Template]:
    """The stacks of two environments in one account and region; the second one keeps things for a short time."""
    document = fleet_document()
    document["teams"] = document["teams"][:1]
    document["teams"][0]["environments"] = [
        {"stage": stage, "account": ACCOUNT, "region": "us-east-1"} for stage in ("dev", "staging")
    ]
    document["retention"] = {"logs": 30}
    document["stages"][1]["retention"] = {
        **{"runs": 14, "checks": 91, "traffic": 92, "quarantine": 7, "versions": 8},
        **{"logs": 14, "access_logs": 10, "events": 11},
    }
    return templates_of(parse(document))


def test_stacks_carry_the_tag_that_the_budget_counts(templates: dict[str, Template]) -> None:
    (budget,) = resources(templates[FOUNDATION], "AWS::Budgets::Budget").values()
    environment = example_fleet().environment("arrivals-dev-us-east-1")
    tags = stack_properties(environment, "", stateful=False)["tags"]
    (counted,) = budget["Properties"]["Budget"]["CostFilters"]["TagKeyValue"]
    assert counted in {f"user:{key}${value}" for key, value in tags.items()}


def _environment(stage: str) -> Environment:
    return Environment(team="arrivals", stage=stage, account=ACCOUNT, region="us-east-1")


def _rules_of(template: Template, kind: str) -> list[dict[str, Any]]:
    (found,) = (
        bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        for bucket in resources(template, "AWS::S3::Bucket").values()
        if f"-{kind}-" in bucket["Properties"]["BucketName"]
    )
    return list(found)


def test_retention_of_the_stage_reaches_buckets_logs_and_archives(neighbours: dict[str, Template]) -> None:
    foundation = neighbours[_environment("staging").stack("foundation")]
    days = {
        (kind, rule.get("Prefix", "")): rule["ExpirationInDays"]
        for kind in ("data", "artifacts", "capture", "audit")
        for rule in _rules_of(foundation, kind)
        if "ExpirationInDays" in rule
    }
    assert days == {
        ("data", "quarantine/"): 7,
        ("artifacts", "scratch/"): 14,
        ("artifacts", "checks/"): 91,
        ("capture", ""): 92,
        ("audit", "access/"): 10,
    }
    noncurrent = {
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for kind in ("data", "artifacts", "capture", "audit")
        for rule in _rules_of(foundation, kind)
        if "NoncurrentVersionExpiration" in rule
    }
    assert noncurrent == {8}
    archives = resources(foundation, "AWS::Events::Archive").values()
    assert {archive["Properties"]["RetentionDays"] for archive in archives} == {11}
    for stage, expected in (("dev", 30), ("staging", 14)):
        groups = resources(neighbours[_environment(stage).stack("operations")], "AWS::Logs::LogGroup").values()
        assert {group["Properties"]["RetentionInDays"] for group in groups} == {expected}


def test_log_groups_of_jobs_and_endpoints_get_the_retention_of_the_stage(neighbours: dict[str, Template]) -> None:
    for stage, expected in (("dev", "30"), ("staging", "14")):
        operations = neighbours[_environment(stage).stack("operations")]
        (groups,) = resources(operations, "Custom::JobLogGroups").values()
        assert str(groups["Properties"]["Days"]) == expected
        assert "KeyArn" in groups["Properties"]
        name = _environment(stage).function("begin_release")
        (begin,) = (
            function["Properties"]["Environment"]["Variables"]
            for function in resources(operations, "AWS::Lambda::Function").values()
            if function["Properties"]["FunctionName"] == name
        )
        assert begin["LOG_DAYS"] == expected


def test_traffic_moves_to_a_cheaper_class_only_if_it_stays_long_enough_there(neighbours: dict[str, Template]) -> None:
    moving = {
        stage: _rules_of(neighbours[_environment(stage).stack("foundation")], "capture")[1]
        for stage in ("dev", "staging")
    }
    assert moving["dev"]["Transitions"] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}]
    assert "Transitions" not in moving["staging"]


def _events_of(environment: Environment) -> list[dict[str, Any]]:
    machine = environment.state_machine_arn("release")
    group = environment.model("late-arrival").package_group
    return [
        {"source": "aws.sagemaker", "detail": {"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved"}},
        {"source": "aws.states", "detail": {"stateMachineArn": machine, "status": "FAILED"}},
    ]


def test_default_bus_is_archived_once_though_two_environments_share_the_account(
    neighbours: dict[str, Template],
) -> None:
    patterns = {
        stage: [
            json.dumps(archive["Properties"]["EventPattern"])
            for archive in resources(
                neighbours[_environment(stage).stack("foundation")], "AWS::Events::Archive"
            ).values()
            if isinstance(archive["Properties"]["SourceArn"], str)
        ]
        for stage in ("dev", "staging")
    }
    strangers = [
        {"source": "aws.s3", "detail": {}},
        {"source": "aws.sagemaker", "detail": {"ModelPackageGroupName": "somebody-else"}},
        {"source": "aws.states", "detail": {"stateMachineArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:x"}},
    ]

    def archived_by(event: dict[str, Any]) -> list[str]:
        delivered = {"Source": event["source"], "Detail": json.dumps(event["detail"])}
        return [
            stage for stage, found in patterns.items() for one in found if eventbridge._matches_pattern(one, delivered)
        ]

    for stage in ("dev", "staging"):
        assert [archived_by(event) for event in _events_of(_environment(stage))] == [[stage], [stage]]
    assert [archived_by(event) for event in strangers] == [[], [], []]
