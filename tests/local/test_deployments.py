"""``mooring deploy`` on the embedded AWS: it deploys what differs, and sees what others have done in between."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_cdk import App, DefaultStackSynthesizer, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from infra.assembly import sign
from mooring import bootstrap, deployments
from mooring.cli.fleet import find
from mooring.deployments import Difference
from mooring.errors import MooringError
from pipelines.interface.names import QUALIFIER
from tests.support.embedded_aws import EmbeddedAws

PLACE = find("arrivals-dev-us-east-1")
NAMES = ("deployments-first", "deployments-second")


def assembly(folder: Path, **names: str) -> Path:
    """Synthesize two stacks, the second of which needs the first; ``names`` are the display names of their topics."""
    app = App(
        analytics_reporting=False, outdir=str(folder), post_cli_context={"@aws-cdk/core:bootstrapQualifier": QUALIFIER}
    )
    before: Stack | None = None
    for name in NAMES:
        stack = Stack(
            app,
            name,
            description=f"Stack {name}",
            tags={"test": "deployments"},
            env=Environment(account=PLACE.account, region=PLACE.region),
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        kind = name.rpartition("-")[2]
        sns.CfnTopic(stack, "Topic", topic_name=f"{PLACE.id}-{name}", display_name=names.get(kind, "as before"))
        if kind in names and names[kind] == "refused":
            # The deployment role may create no role without a boundary, so the update fails and is rolled back.
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
            trust = {"Version": "2012-10-17", "Statement": [statement]}
            iam.CfnRole(stack, "Refused", assume_role_policy_document=trust)
        if before:
            stack.add_stack_dependency(before)
        before = stack
    app.synth()
    sign(folder)
    return folder


@pytest.fixture(scope="module")
def variables(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Bootstrap the place, and return the variables of ``mooring env``, which this process has as well."""
    found = embedded_aws.variables(PLACE.account, PLACE.region)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in found.items():
            patch.setenv(name, value)
        bootstrap.bootstrap(PLACE, variables=found, log=tmp_path_factory.mktemp("logs") / "bootstrap.log")
        yield found


def differing(folder: Path) -> list[Difference]:
    return deployments.differences(deployments.read_assembly(folder), deployments.list_deployed)


def deploy(folder: Path, variables: dict[str, str]) -> list[str]:
    deployed: list[str] = []
    deployments.deploy(
        folder,
        [difference.stack for difference in differing(folder)],
        concurrency=2,
        variables=variables,
        log=folder / "deploy.log",
        on_deployed=deployed.append,
    )
    return deployed


def test_what_differs_is_deployed_and_nothing_else(variables: dict[str, str], tmp_path: Path) -> None:
    first, second = NAMES
    cloudformation = boto3.client("cloudformation")
    original = assembly(tmp_path / "original")
    assert differing(original) == [Difference(stack=name, reason="new") for name in NAMES]
    # Another deployment was killed after the first stack: what is left is deployed.
    deployments.deploy(original, [first], concurrency=1, variables=variables, log=tmp_path / "killed.log")
    assert differing(original) == [Difference(stack=second, reason="new")]
    assert deploy(original, variables) == [second]
    assert differing(original) == []

    changed = assembly(tmp_path / "changed", second="other")
    assert differing(changed) == [Difference(stack=second, reason="template")]
    assert deploy(changed, variables) == [second]
    assert differing(changed) == []

    # Somebody deploys another template by hand: it has another digest, or none.
    body = dict(cloudformation.get_template(StackName=first)["TemplateBody"])
    del body["Outputs"]
    update(first, body)
    assert differing(changed) == [Difference(stack=first, reason="template")]
    # The resources are the same, so this changes outputs only.
    assert deploy(changed, variables) == [first]
    assert differing(changed) == []

    # A failed update leaves the template before it, so the one that failed still differs.
    refused = assembly(tmp_path / "refused", second="refused")
    with pytest.raises(MooringError, match="ended with 1"):
        deploy(refused, variables)
    state = cloudformation.describe_stacks(StackName=second)["Stacks"][0]["StackStatus"]
    assert state == "UPDATE_ROLLBACK_COMPLETE"
    assert differing(refused) == [Difference(stack=second, reason="template")]
    assert differing(changed) == []


def update(name: str, template: Any) -> None:
    cloudformation = boto3.client("cloudformation")
    cloudformation.update_stack(
        StackName=name, TemplateBody=json.dumps(template), Tags=[{"Key": "test", "Value": "deployments"}]
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
