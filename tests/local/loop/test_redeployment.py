"""A release waits while somebody deploys the Serving stack, and then serves and verifies its version.

A wait condition keeps the other update going until the test signals it, as a slow ``cdk deploy`` would.
"""

import json
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mooring.demo.chapters import MODEL, serving_package
from mooring.deployed import DeployedEnvironment, StateMachineRun, wait
from pipelines.interface import keys
from tests.local.loop.conftest import Deployment

WAITS = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Wait": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "300", "Count": "1"},
    },
}
"""Resources that let an update of a stack go on until somebody signals."""
HELD_S = 8.0
"""Seconds for which the release meets the other update: its first two attempts come within them."""


@pytest.fixture
def copy_of_version_1(arrivals: DeployedEnvironment, admin: Any) -> Iterator[str]:
    """Register a copy of version 1 that waits for approval; restore version 1, and delete the copy, after the test."""
    sagemaker, model = admin("sagemaker"), arrivals.environment.model(MODEL)
    first = sagemaker.describe_model_package(ModelPackageName=model.package_arn(1))
    copied = ("InferenceSpecification", "CustomerMetadataProperties", "ModelPackageDescription")
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=model.package_group,
        ModelApprovalStatus="PendingManualApproval",
        **{name: first[name] for name in copied if name in first},
    )["ModelPackageArn"]
    yield arn
    restored = arrivals.wait_for(arrivals.start_rollback(MODEL, 1, by="tester"), timeout_s=120)
    assert restored.status == "SUCCEEDED", restored.cause
    sagemaker.delete_model_package(ModelPackageName=arn)


@pytest.fixture
def other_update(
    deployment: Deployment, arrivals: DeployedEnvironment, admin: Any
) -> Iterator[Callable[[], Callable[[], None]]]:
    """Yield a function that begins another update of the Serving stack, and returns the function that ends it.

    The stack gets its own template again after the test.
    """
    cloudformation, environment = admin("cloudformation"), arrivals.environment
    name = environment.model(MODEL).stack("serving")
    role = environment.role_arn(f"cdk-mooring-cfn-exec-role-{environment.account}-{environment.region}")

    given = cloudformation.get_template(StackName=name)["TemplateBody"]
    template = json.loads(given) if isinstance(given, str) else given

    def update(template: Any) -> None:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        cloudformation.update_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": found["ParameterKey"], "UsePreviousValue": True} for found in stack["Parameters"]
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            RoleARN=role,
        )

    def begin() -> Callable[[], None]:
        update({**template, "Resources": {**template["Resources"], **WAITS}})
        found = wait(
            lambda: (
                [
                    resource
                    for resource in cloudformation.describe_stack_resources(StackName=name)["StackResources"]
                    if resource["LogicalResourceId"] == "Handle" and resource.get("PhysicalResourceId")
                ]
                or None
            ),
            what="the wait condition's handle",
            timeout_s=30,
        )

        def signal() -> None:
            body = json.dumps({"Status": "SUCCESS", "UniqueId": "1", "Data": "", "Reason": "the test goes on"})
            request = urllib.request.Request(
                found[0]["PhysicalResourceId"], data=body.encode(), method="PUT", headers={"Content-Type": ""}
            )
            trust = ssl.create_default_context(cafile=str(deployment.server.authority))
            with urllib.request.urlopen(request, timeout=10, context=trust):
                pass

        return signal

    yield begin
    update(template)
    wait(
        lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE" or None,
        what="the stack with its own template",
        timeout_s=60,
    )


def releases_of(deployed: DeployedEnvironment, arn: str) -> list[StateMachineRun]:
    return [flow for flow in deployed.executions("release") if flow.input.get("package_arn") == arn]


def logged(admin: Any, deployed: DeployedEnvironment, function: str, text: str) -> int:
    """Return the number of a function's log lines that hold ``text``."""
    group = f"/aws/lambda/{deployed.environment.function(function)}"
    return len(admin("logs").filter_log_events(logGroupName=group, filterPattern=f'"{text}"')["events"])


def test_release_waits_for_another_update_of_its_stack(
    arrivals: DeployedEnvironment, admin: Any, copy_of_version_1: str, other_update: Any
) -> None:
    name = arrivals.environment.model(MODEL).stack("serving")
    signal = other_update()
    arrivals.approve(MODEL, 2, by="somebody else", comment="the same model again")
    flow = wait(lambda: next(iter(releases_of(arrivals, copy_of_version_1)), None), what="the release", timeout_s=30)
    wait(
        lambda: logged(admin, arrivals, "update_serving", "UPDATE_IN_PROGRESS") or None,
        what="the refusal of the release's update",
        timeout_s=30,
    )
    time.sleep(HELD_S)
    stack = admin("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_IN_PROGRESS"
    assert arrivals.execution(flow.arn).status == "RUNNING", "the release waits and does not fail"
    assert serving_package(arrivals, MODEL) == arrivals.environment.model(MODEL).package_arn(1)
    signal()
    ended = arrivals.wait_for(flow.arn, timeout_s=120)
    assert ended.status == "SUCCEEDED", ended.cause
    assert serving_package(arrivals, MODEL) == copy_of_version_1
    champion = arrivals.ledger.get(keys.champion(MODEL))
    assert champion is not None
    assert champion.package_arn == copy_of_version_1
    release = arrivals.ledger.get(keys.release(MODEL, champion.release_id))
    assert release is not None
    assert (release.outcome, release.verification is not None) == ("released", True)
