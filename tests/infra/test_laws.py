"""Every law holds for every stack of the example fleet, and each is proven by a template that breaks it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.laws import laws
from tests.infra.laws.laws import LAWS, Law
from tests.support.synth import Template, changed, resources


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law_holds_for_every_stack(law: Law, templates: dict[str, Template]) -> None:
    broken = [f"{stack}: {problem}" for stack, template in templates.items() for problem in law(template)]
    assert broken == []


FOUNDATION, OPERATIONS = "arrivals-dev-us-east-1-foundation", "arrivals-dev-us-east-1-operations"
MODEL, SERVING = "arrivals-dev-us-east-1-late-arrival-model", "arrivals-dev-us-east-1-late-arrival-serving"
Break = Callable[[Template], Template]


def without(kind: str, *names: str) -> Break:
    """Take properties away from every resource of a type."""

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
    """Give every role one more statement."""

    def apply(template: Template) -> Template:
        template = copy.deepcopy(template)
        extra = {"Effect": "Allow", "Action": list(actions), "Resource": on, **statement}
        for role in resources(template, "AWS::IAM::Role").values():
            role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(extra)
        return template

    return apply


def trust_without_account(template: Template) -> Template:
    template = copy.deepcopy(template)
    for role in resources(template, "AWS::IAM::Role").values():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            statement.pop("Condition", None)
    return template


def states_without(*names: str, of: str = "Task") -> Break:
    """Take fields away from every state of a type."""

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


def impatient(template: Template) -> Template:
    template = copy.deepcopy(template)
    for machine in resources(template, "AWS::StepFunctions::StateMachine").values():
        machine["Properties"]["DefinitionString"] = machine["Properties"]["DefinitionString"].replace(
            '"Seconds": 5', '"Seconds": 1'
        )
    return template


def long_winded(template: Template) -> Template:
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
                document["Statement"] = [s for s in document["Statement"] if action not in laws.listed(s["Action"])]
        return template

    return apply


def retained_always(template: Template) -> Template:
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        resource["DeletionPolicy"] = "Retain"
    return template


def without_policies(template: Template) -> Template:
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


def closed_key(template: Template) -> Template:
    template = copy.deepcopy(template)
    for key in resources(template, "AWS::KMS::Key").values():
        key["Properties"]["KeyPolicy"]["Statement"] = key["Properties"]["KeyPolicy"]["Statement"][:1]
    return template


def importing(template: Template) -> Template:
    return {**template, "Outputs": {"Other": {"Value": {"Fn::ImportValue": "other"}}}}


def huge(template: Template) -> Template:
    return {**template, "Resources": {f"Topic{number}": {"Type": "AWS::SNS::Topic"} for number in range(501)}}


PROOFS: list[tuple[Law, str, Break]] = [
    (laws.no_star_on_star, FOUNDATION, role_that("s3:*")),
    (laws.no_wildcard_actions, MODEL, role_that("s3:Get*", on="arn:aws:s3:::bucket")),
    (laws.functions_end_well, OPERATIONS, without("AWS::Lambda::Function", "Timeout")),
    (laws.functions_end_well, OPERATIONS, without("AWS::Lambda::Function", "DeadLetterConfig")),
    (laws.functions_end_well, OPERATIONS, without("AWS::Logs::LogGroup", "RetentionInDays")),
    (laws.tasks_are_guarded, OPERATIONS, states_without("Retry")),
    (laws.tasks_are_guarded, OPERATIONS, states_without("Catch")),
    (laws.tasks_are_guarded, OPERATIONS, states_without("TimeoutSeconds")),
    (laws.lambda_retries_are_complete, OPERATIONS, states_without("Retry")),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "VersioningConfiguration")),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "BucketEncryption")),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "PublicAccessBlockConfiguration")),
    (laws.buckets_are_closed, FOUNDATION, without("AWS::S3::Bucket", "OwnershipControls")),
    (laws.buckets_are_closed, FOUNDATION, without_policies),
    (laws.no_imports, FOUNDATION, importing),
    (laws.pass_role_is_narrow, OPERATIONS, role_that("iam:PassRole", on="arn:aws:iam::111111111111:role/one")),
    (laws.trusts_name_their_account, OPERATIONS, trust_without_account),
    (laws.roles_have_the_boundary, MODEL, without("AWS::IAM::Role", "PermissionsBoundary")),
    (laws.targets_have_dead_letters, OPERATIONS, targets_without("DeadLetterConfig")),
    (laws.targets_have_dead_letters, MODEL, with_("AWS::Scheduler::Schedule", Target={"Arn": "a", "RoleArn": "r"})),
    (laws.state_is_kept, FOUNDATION, retained_always),
    (laws.state_is_kept, SERVING, retained_always),
    (laws.everything_served_is_captured, SERVING, without("AWS::SageMaker::EndpointConfig", "DataCaptureConfig")),
    (laws.jobs_are_isolated, SERVING, without("AWS::SageMaker::Model", "EnableNetworkIsolation")),
    (laws.jobs_are_isolated, OPERATIONS, requests_without("EnableNetworkIsolation")),
    (laws.sync_is_permitted, OPERATIONS, machine_roles_without("events:PutRule")),
    (laws.sync_is_permitted, OPERATIONS, machine_roles_without("sagemaker:StopTrainingJob")),
    (laws.maps_are_permitted, OPERATIONS, machine_roles_without("states:StopExecution")),
    (laws.maps_are_permitted, OPERATIONS, states_without("Catch", of="Map")),
    (laws.maps_are_permitted, OPERATIONS, states_without("MaxConcurrency", of="Map")),
    (laws.requests_and_histories_fit, OPERATIONS, impatient),
    (laws.requests_and_histories_fit, OPERATIONS, long_winded),
    (laws.functions_called_are_permitted, OPERATIONS, machine_roles_without("lambda:InvokeFunction")),
    (laws.keys_admit_their_services, FOUNDATION, closed_key),
    (laws.within_limits, FOUNDATION, huge),
]


@pytest.mark.parametrize(("law", "stack", "break_"), PROOFS, ids=lambda value: getattr(value, "__name__", None))
def test_law_finds_what_breaks_it(law: Law, stack: str, break_: Break, templates: dict[str, Template]) -> None:
    assert list(law(templates[stack])) == []
    assert list(law(break_(templates[stack]))) != []


def test_every_law_is_proven() -> None:
    assert {law for law, _, _ in PROOFS} == set(LAWS)
