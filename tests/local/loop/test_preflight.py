"""``mooring preflight`` on a deployed environment: a clean one passes, every check finds what is broken."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infra import fleet, images
from mooring.cli import cli
from mooring.preflight.findings import Verdict
from mooring.preflight.registry import CHECKS, FIRST
from pipelines.interface.quotas import CODES
from tests.local.loop.conftest import Deployment
from tests.local.loop.places import BY_NAME, FLEET, Place, changed_fleet, place

EMPTY_STACK = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}
DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module")
def dev(deployment: Deployment) -> Place:
    """Return the deployed environment."""
    return place(deployment, deployment.deployed.environment.id)


@pytest.fixture(scope="module")
def staging(deployment: Deployment) -> Place:
    """Return an environment of which nothing is deployed, in an account of its own."""
    return place(deployment, "arrivals-staging-us-east-1")


def test_clean_environment_passes(deployment: Deployment) -> None:
    ran = CliRunner().invoke(cli, ["preflight", deployment.deployed.environment.id, "--json"])
    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout)
    assert document["checks"] == len(FIRST) + len(CHECKS) >= 20
    assert {finding["verdict"] for finding in document["findings"]} <= {"warns"}, document["findings"]


def test_findings_that_block_are_an_exit_code(deployment: Deployment, dev: Place) -> None:
    code = CODES["ml.m5.large for training job usage"]
    dev.quota("sagemaker", code, 0)
    try:
        ran = CliRunner().invoke(cli, ["preflight", deployment.deployed.environment.id])
    finally:
        dev.quota("sagemaker", code, 100)
    assert ran.exit_code == 1
    assert "blocks" in ran.stdout
    assert "training job usage' is 0" in ran.stdout
    assert "1 of them block" in ran.stdout


# -- what breaks each check --------------------------------------------------------------------------------

Breaks = Callable[[Place, Place, Path, pytest.MonkeyPatch], AbstractContextManager[Place]]
"""From the deployed environment, the one that is not, and a folder: an environment in which a check finds something."""


@contextmanager
def _quota(where: Place, service: str, code: str, value: float, back: float) -> Iterator[Place]:
    where.quota(service, code, value)
    try:
        yield where
    finally:
        where.quota(service, code, back)


def instances(use: str) -> Breaks:
    return lambda dev, *_: _quota(dev, "sagemaker", CODES[f"ml.m5.large for {use}"], 0, 100)


def resources(service: str, code: str, back: float) -> Breaks:
    return lambda _, staging, *__: _quota(staging, service, code, 0, back)


@contextmanager
def scaled(_: Place, staging: Place, *__: object) -> Iterator[Place]:
    name = staging.environment.names.model("late-arrival").stack("serving")
    template = staging.assembly.templates[name]
    target = {"Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {}}}
    templates = {**staging.assembly.templates, name: {**template, "Resources": {**template["Resources"], **target}}}
    with _quota(staging, "application-autoscaling", "L-1AAF0700", 0, 500):
        yield replace(staging, assembly=replace(staging.assembly, templates=templates))


@contextmanager
def disabled_region(dev: Place, _: Place, folder: Path, __: pytest.MonkeyPatch) -> Iterator[Place]:
    text = FLEET.read_text().replace("us-east-1", "af-south-1")
    (folder / "fleet.yaml").write_text(text)
    far = replace(dev, environment=fleet.load(folder / "fleet.yaml").environment("arrivals-dev-af-south-1"))
    far.client("account").disable_region(RegionName="af-south-1")
    yield far
    far.client("account").enable_region(RegionName="af-south-1")


@contextmanager
def many_roles(_: Place, staging: Place, *__: object) -> Iterator[Place]:
    iam = staging.client("iam")
    quota = iam.get_account_summary()["SummaryMap"]
    names = [f"many-{number}" for number in range(quota["RolesQuota"] - quota["Roles"])]
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    yield staging
    for name in names:
        iam.delete_role(RoleName=name)


@contextmanager
def stack(where: Place, name: str, template: dict[str, Any] = EMPTY_STACK) -> Iterator[Place]:
    client = where.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    try:
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    except Exception:
        assert template is not EMPTY_STACK
    yield where
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def lonely(kind: str) -> Breaks:
    """Return an environment whose stack is there without what it holds."""
    return lambda _, staging, *__: stack(staging, staging.environment.names.stack(kind))


def foreign_stack(dev: Place, *_: object) -> AbstractContextManager[Place]:
    return stack(dev, f"{dev.environment.names.id}-gone-serving")


def failed_stack(dev: Place, *_: object) -> AbstractContextManager[Place]:
    nowhere = {"EventBusName": "nowhere", "StatementId": "s", "Statement": {"Effect": "Allow"}}
    wrong = {"Resources": {"Policy": {"Type": "AWS::Events::EventBusPolicy", "Properties": nowhere}}}
    return stack(dev, f"{dev.environment.names.id}-late-arrival-broken", wrong)


@contextmanager
def left_bucket(_: Place, staging: Place, *__: object) -> Iterator[Place]:
    name = staging.environment.names.bucket("data")
    staging.client("s3").create_bucket(Bucket=name)
    yield staging
    staging.client("s3").delete_bucket(Bucket=name)


@contextmanager
def other_rights(dev: Place, *_: object) -> Iterator[Place]:
    names = dev.environment.names
    role = f"cdk-mooring-cfn-exec-role-{names.account}-{names.region}"
    attached = {"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    dev.client("iam").attach_role_policy(**attached)
    yield dev
    dev.client("iam").detach_role_policy(**attached)


@contextmanager
def denied_role(dev: Place, *_: object) -> Iterator[Place]:
    request = {"RoleName": dev.environment.names.release_deployer_role, "PolicyName": "denied"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [DENY]})
    dev.client("iam").put_role_policy(**request, PolicyDocument=document)
    yield dev
    dev.client("iam").delete_role_policy(**request)


@contextmanager
def disabled_key(dev: Place, *_: object) -> Iterator[Place]:
    kms = dev.client("kms")
    key = kms.describe_key(KeyId=dev.environment.names.key_alias)["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    yield dev
    kms.enable_key(KeyId=key)


@contextmanager
def odd_release_state(dev: Place, *_: object) -> Iterator[Place]:
    ssm, name = dev.client("ssm"), dev.environment.names.model("late-arrival").release_parameter
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value="none,none", Type="StringList", Overwrite=True)
    yield dev
    ssm.put_parameter(Name=name, Value=before, Type="StringList", Overwrite=True)


def fleet_with(before: str, after: str) -> Breaks:
    return lambda dev, _, folder, __: nullcontext(changed_fleet(dev, folder, before, after))


def many_models(dev: Place, _: Place, folder: Path, __: pytest.MonkeyPatch) -> AbstractContextManager[Place]:
    model = FLEET.read_text().partition("    models:\n")[2].partition("\n  - name: network")[0].rstrip() + "\n"
    more = "".join(model.replace("late-arrival", f"late-{number}") for number in range(201))
    return nullcontext(changed_fleet(dev, folder, model, more))


def other_image(dev: Place, _: Place, __: Path, patch: pytest.MonkeyPatch) -> AbstractContextManager[Place]:
    patch.setattr(images, "VERSION", "9.9-9")
    return nullcontext(dev)


def templates_with(kind: str, count: int = 1, **properties: Any) -> Breaks:
    def broken(dev: Place, *_: object) -> AbstractContextManager[Place]:
        name = dev.environment.names.stack("operations")
        template = dev.assembly.templates[name]
        more = {f"More{number}": {"Type": kind, "Properties": properties} for number in range(count)}
        changed = {**template, "Resources": {**template["Resources"], **more}}
        templates = {**dev.assembly.templates, name: changed}
        return nullcontext(replace(dev, assembly=replace(dev.assembly, templates=templates)))

    return broken


def newer_bootstrap(dev: Place, *_: object) -> AbstractContextManager[Place]:
    return nullcontext(replace(dev, assembly=replace(dev.assembly, bootstrap_version=999)))


def as_it_is(dev: Place, *_: object) -> AbstractContextManager[Place]:
    return nullcontext(dev)


BREAKS: dict[str, tuple[Breaks, Verdict, str]] = {
    "region": (disabled_region, Verdict.BLOCKS, "af-south-1 is DISABLED"),
    "templates": (templates_with("AWS::Events::Rule", 500), Verdict.BLOCKS, "resources, more than 500"),
    "parameter-sizes": (templates_with("AWS::SSM::Parameter", Value="x" * 5000), Verdict.BLOCKS, "5,000 bytes"),
    "endpoint-quota": (instances("endpoint usage"), Verdict.BLOCKS, "endpoint usage' is 0"),
    "training-quota": (instances("training job usage"), Verdict.BLOCKS, "training job usage' is 0"),
    "stack-quota": (resources("cloudformation", "L-0485CB21", 2000), Verdict.BLOCKS, "0 stacks of 0"),
    "role-quota": (many_roles, Verdict.BLOCKS, "IAM roles of 1000"),
    "rule-quota": (resources("events", "L-244521F2", 300), Verdict.BLOCKS, "0 rules on the default event bus of 0"),
    "scaling-quota": (scaled, Verdict.BLOCKS, "0 scaling targets of SageMaker of 0"),
    "throughput": (many_models, Verdict.WARNS, "for 201 models"),
    "image": (other_image, Verdict.BLOCKS, "9.9-9"),
    "bootstrap": (other_rights, Verdict.BLOCKS, "has the foreign policies"),
    "bootstrap-version": (newer_bootstrap, Verdict.BLOCKS, "the templates need 999"),
    "stacks": (failed_stack, Verdict.BLOCKS, "late-arrival-broken is ROLLBACK_COMPLETE"),
    "foreign-stacks": (foreign_stack, Verdict.WARNS, "gone-serving is of no model"),
    "leftovers": (left_bucket, Verdict.BLOCKS, "the bucket arrivals-staging-us-east-1-data"),
    "roles": (denied_role, Verdict.BLOCKS, "release-deployer may not"),
    "state-machines": (
        templates_with("AWS::StepFunctions::StateMachine", DefinitionString=json.dumps(MACHINE)),
        Verdict.BLOCKS,
        "names 'B', which is no state",
    ),
    "functions": (lonely("operations"), Verdict.BLOCKS, "take-lease is missing"),
    "key": (disabled_key, Verdict.BLOCKS, "is Disabled"),
    "parameters": (odd_release_state, Verdict.BLOCKS, "2 items"),
    "alerts": (
        fleet_with("[arrivals@example.com]", "[arrivals@example.com, new@example.com]"),
        Verdict.WARNS,
        "new@example.com has not confirmed",
    ),
    "budget": (
        fleet_with("monthly_budget_usd: 800", "monthly_budget_usd: 900"),
        Verdict.WARNS,
        "$800, in the fleet $900",
    ),
    "cost-tag": (as_it_is, Verdict.WARNS, "is Inactive, not Active"),
    "audit-trail": (as_it_is, Verdict.WARNS, "no trail of CloudTrail logs"),
}
ELSEWHERE = {
    "credentials": "test_credentials_of_another_account_are_found",
    "scaling-role": "test_scaling_role_is_missed_and_found",
    "processing-quota": "test_processing_quota_is_found",
}
MACHINE_ONLY = {"clock", "cdk", "concurrency", "parameter-quota", "instance-types"}
"""Checks of this machine and of what the embedded AWS does not vary: tests/unit/mooring/preflight breaks them."""


@pytest.mark.parametrize("check", BREAKS)
def test_check_finds_what_is_broken(
    check: str, dev: Place, staging: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks, verdict, says = BREAKS[check]
    with breaks(dev, staging, tmp_path, monkeypatch) as broken:
        found = broken.findings(check)
    assert [finding for finding in found if says in finding.what and finding.verdict == verdict], found


def test_every_check_is_broken_somewhere() -> None:
    assert set(BREAKS) | set(ELSEWHERE) | MACHINE_ONLY == set(BY_NAME)
    assert set(ELSEWHERE.values()) <= set(globals())


def test_credentials_of_another_account_are_found(dev: Place) -> None:
    (found,) = dev.findings("credentials", account="111111111119")
    assert (found.verdict, "of account 111111111119" in found.what) == (Verdict.BLOCKS, True)


def test_scaling_role_is_missed_and_found(dev: Place, tmp_path: Path) -> None:
    wide = "{instance_type: ml.m5.large, min_instances: 1, max_instances: 2}"
    scaled = changed_fleet(dev, tmp_path, "{instance_type: ml.m5.large}", wide)
    (found,) = scaled.findings("scaling-role")
    assert "no service-linked role" in found.what
    service = "sagemaker.application-autoscaling.amazonaws.com"
    made = dev.client("iam").create_service_linked_role(AWSServiceName=service)["Role"]["RoleName"]
    assert scaled.findings("scaling-role") == []
    dev.client("iam").delete_service_linked_role(RoleName=made)


def test_processing_quota_is_found(dev: Place) -> None:
    settings = dev.environment.settings(dev.environment.team.models[0]).model_dump()
    name = f"{settings['processing']['instance_type']} for processing job usage"
    with _quota(dev, "sagemaker", CODES[name], 0, 100):
        (found,) = dev.findings("processing-quota")
    assert f"'{name}' is 0" in found.what


def test_tag_and_trail_are_found_once_they_are_on(dev: Place) -> None:
    status = [{"TagKey": "mooring:environment", "Status": "Active"}]
    assert dev.client("ce").update_cost_allocation_tags_status(CostAllocationTagsStatus=status)["Errors"] == []
    trail = dev.client("cloudtrail")
    dev.client("s3").create_bucket(Bucket="audit-of-preflight")
    trail.create_trail(Name="audit", S3BucketName="audit-of-preflight")
    trail.start_logging(Name="audit")
    try:
        assert dev.findings("cost-tag") == dev.findings("audit-trail") == []
    finally:
        trail.delete_trail(Name="audit")
        off = [{"TagKey": "mooring:environment", "Status": "Inactive"}]
        dev.client("ce").update_cost_allocation_tags_status(CostAllocationTagsStatus=off)
