"""Every law holds for every stack of the tests' fleet, and each is proven by templates that break it."""

import copy
import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.infra.laws import flows, laws, permissions
from tests.infra.laws.law import Law, listed
from tests.infra.laws.laws import LAWS
from tests.support.synth import Template, changed, resources


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law_holds_for_every_stack(law: Law, templates: dict[str, Template]) -> None:
    broken = [f"{stack}: {violation}" for stack, template in templates.items() for violation in law(template)]
    assert broken == []


FOUNDATION, OPERATIONS = "arrivals-dev-us-east-1-foundation", "arrivals-dev-us-east-1-operations"
REGISTRY, SERVING = "arrivals-dev-us-east-1-registry-16", "arrivals-dev-us-east-1-late-arrival-serving"
Break = Callable[[Template], Template]


def without(kind: str, *names: str) -> Break:
    """Remove properties from every resource of a type."""

    def apply(template: Template) -> Template:
        for logical_id in resources(template, kind):
            template = changed(template, logical_id, **dict.fromkeys(names))
        return template

    return apply


def with_(kind: str, **properties: Any) -> Break:
    """Set properties of every resource of a type."""

    def apply(template: Template) -> Template:
        for logical_id in resources(template, kind):
            template = changed(template, logical_id, **properties)
        return template

    return apply


def role_that(*actions: str, on: str = "*", **statement: Any) -> Break:
    """Add a statement to every role."""

    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        extra = {"Effect": "Allow", "Action": list(actions), "Resource": on, **statement}
        for role in resources(template, "AWS::IAM::Role").values():
            role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(extra)
        return template

    return apply


def with_trusts_of_every_account(template: Template) -> Template:
    template = copy.deepcopy(template)
    for role in resources(template, "AWS::IAM::Role").values():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            statement.pop("Condition", None)
    return template


def with_a_web_identity(subject: str, operator: str = "StringEquals") -> Break:
    """Let tokens of an OpenID Connect provider assume every role."""

    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        issuer = "token.actions.githubusercontent.com"
        statement = {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": f"arn:aws:iam::111111111111:oidc-provider/{issuer}"},
            "Condition": {operator: {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}},
        }
        for role in resources(template, "AWS::IAM::Role").values():
            role["Properties"]["AssumeRolePolicyDocument"]["Statement"] = [statement]
        return template

    return apply


def states_without(*names: str, of: str = "Task") -> Break:
    """Remove fields from every state of a type."""

    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        for machine in resources(template, "AWS::StepFunctions::StateMachine").values():
            definition = json.loads(machine["Properties"]["DefinitionString"])
            for state in definition["States"].values():
                if state["Type"] == of:
                    for name in names:
                        state.pop(name, None)
            machine["Properties"]["DefinitionString"] = json.dumps(definition)
        return template

    return apply


def polling_every_second(template: Template) -> Template:
    template = copy.deepcopy(template)
    for machine in resources(template, "AWS::StepFunctions::StateMachine").values():
        machine["Properties"]["DefinitionString"] = machine["Properties"]["DefinitionString"].replace(
            '"Seconds": 5', '"Seconds": 1'
        )
    return template


def with_long_commands(template: Template) -> Template:
    template = copy.deepcopy(template)
    for machine in resources(template, "AWS::StepFunctions::StateMachine").values():
        machine["Properties"]["DefinitionString"] = machine["Properties"]["DefinitionString"].replace(
            "mkdir -p", f"echo {'x' * 256}; mkdir -p"
        )
    return template


def requests_without(name: str) -> Break:
    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        for machine in resources(template, "AWS::StepFunctions::StateMachine").values():
            definition = json.loads(machine["Properties"]["DefinitionString"])
            for state in definition["States"].values():
                state.get("Parameters", {}).pop(name, None)
            machine["Properties"]["DefinitionString"] = json.dumps(definition)
        return template

    return apply


def machine_roles_without(action: str) -> Break:
    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        for role in resources(template, "AWS::IAM::Role").values():
            for policy in role["Properties"].get("Policies", []):
                document = policy["PolicyDocument"]
                document["Statement"] = [s for s in document["Statement"] if action not in listed(s["Action"])]
        return template

    return apply


def with_plain_retention(template: Template) -> Template:
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        resource["DeletionPolicy"] = "Retain"
    return template


def without_bucket_policies(template: Template) -> Template:
    template = copy.deepcopy(template)
    for name in resources(template, "AWS::S3::BucketPolicy"):
        del template["Resources"][name]
    return template


def targets_without(name: str) -> Break:
    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        for rule in resources(template, "AWS::Events::Rule").values():
            for target in rule["Properties"]["Targets"]:
                target.pop(name, None)
        return template

    return apply


def with_keys_for_the_account_only(template: Template) -> Template:
    template = copy.deepcopy(template)
    for key in resources(template, "AWS::KMS::Key").values():
        key["Properties"]["KeyPolicy"]["Statement"] = key["Properties"]["KeyPolicy"]["Statement"][:1]
    return template


def with_eventbridge_of_the_account_only(kind: str, document: str) -> Break:
    """Demand EventBridge's account in every policy of a type."""

    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        for resource in resources(template, kind).values():
            for statement in resource["Properties"][document]["Statement"]:
                if "events.amazonaws.com" in str(statement.get("Principal")):
                    statement["Condition"] = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
        return template

    return apply


def with_an_import(template: Template) -> Template:
    return {**template, "Outputs": {"Other": {"Value": {"Fn::ImportValue": "other"}}}}


def with_too_many_resources(template: Template) -> Template:
    return {**template, "Resources": {f"Topic{number}": {"Type": "AWS::SNS::Topic"} for number in range(501)}}


PROOFS: list[tuple[Law, str, Break, str]] = [
    (permissions.no_star_on_star, FOUNDATION, role_that("s3:*"), "PersonasEngineer"),
    (permissions.no_wildcard_actions, OPERATIONS, role_that("s3:Get*", on="arn:aws:s3:::bucket"), "JobRolesTraining"),
    (laws.functions_end_well, OPERATIONS, without("AWS::Lambda::Function", "Timeout"), "FunctionsPlanRunFunction"),
    (laws.functions_end_well, OPERATIONS, without("AWS::Lambda::Function", "DeadLetterConfig"), "FunctionsPlanRun"),
    (laws.functions_end_well, OPERATIONS, without("AWS::Logs::LogGroup", "RetentionInDays"), "FunctionsPlanRun"),
    (flows.tasks_are_guarded, OPERATIONS, states_without("Retry"), "RetrainingMachine*/Plan run"),
    (flows.tasks_are_guarded, OPERATIONS, states_without("Catch"), "ReleaseMachine*/Begin release"),
    (flows.tasks_are_guarded, OPERATIONS, states_without("TimeoutSeconds"), "ChecksMachine*/Conclude check"),
    (flows.lambda_retries_are_complete, OPERATIONS, states_without("Retry"), "RetrainingMachine*/Plan run"),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "VersioningConfiguration"), "BucketsData"),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "BucketEncryption"), "BucketsData"),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "PublicAccessBlockConfiguration"), "BucketsData"),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "OwnershipControls"), "BucketsData"),
    (laws.buckets_are_closed, FOUNDATION, without_bucket_policies, "BucketsAudit"),
    (laws.no_imports, FOUNDATION, with_an_import, "Other"),
    (
        permissions.pass_role_is_narrow,
        OPERATIONS,
        role_that("iam:PassRole", on="arn:aws:iam::111111111111:role/one"),
        "RetrainingRole",
    ),
    (permissions.trusts_name_their_account, OPERATIONS, with_trusts_of_every_account, "SchedulerRole"),
    (permissions.web_identities_are_exact, FOUNDATION, with_a_web_identity("repo:one/two:*"), "PersonasEngineer"),
    (
        permissions.web_identities_are_exact,
        FOUNDATION,
        with_a_web_identity("repo:one/two:pull_request", "StringLike"),
        "PersonasEngineer",
    ),
    (
        permissions.roles_have_the_boundary,
        OPERATIONS,
        without("AWS::IAM::Role", "PermissionsBoundary"),
        "JobRolesServing",
    ),
    (
        permissions.conditions_can_hold,
        FOUNDATION,
        with_eventbridge_of_the_account_only("AWS::SNS::TopicPolicy", "PolicyDocument"),
        "AlertsTopicPolicy",
    ),
    (
        permissions.conditions_can_hold,
        FOUNDATION,
        with_eventbridge_of_the_account_only("AWS::KMS::Key", "KeyPolicy"),
        "Key",
    ),
    (
        permissions.conditions_can_hold,
        OPERATIONS,
        role_that("kms:CreateGrant", Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        "RetrainingRole",
    ),
    (laws.targets_have_dead_letters, OPERATIONS, targets_without("DeadLetterConfig"), "TriggersDriftFound*/Target0"),
    (
        laws.targets_have_dead_letters,
        REGISTRY,
        with_("AWS::Scheduler::Schedule", Target={"Arn": "a", "RoleArn": "r"}),
        "latearrivalDriftSchedule",
    ),
    (laws.state_is_kept, FOUNDATION, with_plain_retention, "LedgerTable"),
    (laws.state_is_kept, SERVING, with_plain_retention, "ServingEndpoint"),
    (
        laws.everything_served_is_captured,
        SERVING,
        without("AWS::SageMaker::EndpointConfig", "DataCaptureConfig"),
        "ServingConfig",
    ),
    (flows.jobs_are_isolated, SERVING, without("AWS::SageMaker::Model", "EnableNetworkIsolation"), "ServingModel"),
    (
        flows.jobs_are_isolated,
        OPERATIONS,
        requests_without("EnableNetworkIsolation"),
        "RetrainingMachine*/Train candidate",
    ),
    (flows.jobs_are_isolated, OPERATIONS, requests_without("ResourceConfig"), "RetrainingMachine*/Train candidate"),
    (
        permissions.isolation_is_demanded,
        OPERATIONS,
        role_that("sagemaker:CreateProcessingJob", on="arn:aws:sagemaker:us-east-1:111111111111:processing-job/*"),
        "JobRolesTraining",
    ),
    (flows.sync_is_permitted, OPERATIONS, machine_roles_without("events:PutRule"), "RetrainingRole"),
    (flows.sync_is_permitted, OPERATIONS, machine_roles_without("sagemaker:StopTrainingJob"), "RetrainingRole"),
    (flows.maps_are_permitted, OPERATIONS, machine_roles_without("states:StopExecution"), "ChecksRole"),
    (flows.maps_are_permitted, OPERATIONS, states_without("Catch", of="Map"), "ChecksMachine*/Count all batches"),
    (flows.maps_are_permitted, OPERATIONS, states_without("MaxConcurrency", of="Map"), "ChecksMachine*/Count all"),
    (flows.requests_and_histories_fit, OPERATIONS, polling_every_second, "ReleaseMachine*/Wait for serving"),
    (flows.requests_and_histories_fit, OPERATIONS, with_long_commands, "RetrainingMachine*/Validate data"),
    (flows.functions_called_are_permitted, OPERATIONS, machine_roles_without("lambda:InvokeFunction"), "ReleaseRole"),
    (permissions.keys_admit_their_services, FOUNDATION, with_keys_for_the_account_only, "Key"),
    (laws.within_limits, FOUNDATION, with_too_many_resources, "the template"),
]
"""Law, stack, change that breaks the law, and the beginning of one resource that the law must name; * is any text."""


@pytest.mark.parametrize(
    ("law", "stack", "break_", "resource"),
    PROOFS,
    ids=[f"{law.__name__}-{number}" for number, (law, *_) in enumerate(PROOFS)],
)
def test_law_names_the_resource_that_breaks_it(
    law: Law, stack: str, break_: Break, resource: str, templates: dict[str, Template]
) -> None:
    assert list(law(templates[stack])) == []
    violations = list(law(break_(templates[stack])))
    assert any(fnmatchcase(violation.resource, f"{resource}*") for violation in violations), list(map(str, violations))
    assert all(violation.reason and violation.mend for violation in violations)


def test_a_web_identity_with_exact_subjects_breaks_no_law(templates: dict[str, Template]) -> None:
    exact = with_a_web_identity("repo:one/two:ref:refs/heads/main")(templates[FOUNDATION])
    assert list(permissions.web_identities_are_exact(exact)) == []


def test_every_law_is_proven() -> None:
    assert {law for law, *_ in PROOFS} == set(LAWS)


def test_message_has_the_resource_the_reason_and_the_mend(templates: dict[str, Template]) -> None:
    broken = without("AWS::S3::Bucket", "VersioningConfiguration")(templates[FOUNDATION])
    assert "BucketsData941F65F0 is not versioned: set versioned=True" in map(str, laws.buckets_are_closed(broken))
