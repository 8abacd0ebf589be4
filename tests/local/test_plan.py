"""``mooring plan`` tells what the embedded CloudFormation then does: random edits of a fleet, planned and deployed.

``make test`` deploys a few edits; ``PLANNED_EDITS=200`` sets another number (CONTRIBUTING.md).
"""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st

from infra import images
from infra.cost import Prices
from infra.fleet import Fleet
from infra.synthesis import ROOT
from mooring.deployments import compare, read_assembly, refuse_changed_types
from mooring.errors import MooringError
from mooring.plan.build import make_plan
from mooring.plan.deployed import Reader
from mooring.plan.records import Action, Effect, EnvironmentPlan, Plan
from pipelines.interface.codec import read_json
from pipelines.interface.paths import RunFiles
from pipelines.interface.release_state import ReleaseState
from tests.support.direct_deployment import Deployer, Happened
from tests.support.embedded_aws import EmbeddedAws
from tests.support.fleet_edits import SERVED, edited
from tests.support.planned import assembly
from tests.support.sagemaker_world import constant_model
from tests.support.synth import FLEET

ACCOUNT, REGION = "333333333331", "us-east-1"
ENVIRONMENT = f"planned-dev-{REGION}"
ENDPOINT_PARTS = ("ServingEndpoint", "ServingScaling")
"""Beginnings of the logical ids of an endpoint and of its scaling."""
EDITS = int(os.environ.get("PLANNED_EDITS", "12"))


def base() -> dict[str, Any]:
    """Return the content of a fleet's file with one environment of a team of our own."""
    document: dict[str, Any] = yaml.safe_load(FLEET.read_text())
    (team,) = (each for each in document["teams"] if each["name"] == "arrivals")
    team |= {"name": "planned", "environments": [{"stage": "dev", "account": ACCOUNT, "region": REGION}]}
    return document | {"teams": [team]}


@dataclass
class Place:
    """The environment on the server; ``deployed`` is the content of the fleet's file that is deployed."""

    aws: EmbeddedAws
    folder: Path
    deployer: Deployer
    number: int = 0
    deployed: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return self.aws.client(service, account=ACCOUNT, region=REGION)

    @property
    def instance_type(self) -> str:
        """The instance type of the endpoint that serves."""
        sagemaker = self.client("sagemaker")
        endpoint = sagemaker.describe_endpoint(EndpointName=f"{ENVIRONMENT}-{SERVED}")
        config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        return str(config["ProductionVariants"][0]["InstanceType"])

    def assemble(self, document: dict[str, Any], *, code: str = "", layers: str = "") -> tuple[Fleet, Path]:
        """Synthesize; another ``code`` is in all functions and jobs, other ``layers`` are in the layers."""
        fleet = Fleet.model_validate(document)
        fleet = fleet.model_copy(update={"teams": [fleet.teams[0]]})
        self.number += 1
        folder = self.folder / f"assembly-{self.number}"
        return fleet, assembly(fleet, folder, environment=ENVIRONMENT, root=self.root(code), layers=layers)

    def root(self, code: str) -> Path:
        """Return a folder of the sources whose functions and pipelines end in a comment."""
        if not code:
            return ROOT
        folder = self.folder / f"root-{code}"
        if not folder.exists():
            for name in ("functions", "pipelines"):
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            for file in ("functions/__init__.py", "pipelines/__init__.py"):
                path = folder / file
                path.write_text(f"{path.read_text()}\n# {code}\n")
        return folder

    def plan(self, fleet: Fleet, folder: Path) -> EnvironmentPlan:
        reader = Reader(
            list_stacks=lambda _: (
                stack
                for page in self.client("cloudformation").get_paginator("describe_stacks").paginate()
                for stack in page["Stacks"]
            ),
            client=lambda _: self.client("cloudformation"),
        )
        environment = fleet.environment(ENVIRONMENT)
        (planned,) = make_plan([environment], folder, Prices.load(), reader).environments
        return planned

    def deploy(self, folder: Path) -> Happened:
        """Deploy the stacks that ``mooring deploy`` would deploy."""
        found = {
            stack["StackName"]: stack
            for page in self.client("cloudformation").get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
        }
        stacks = read_assembly(folder)
        differing = [(stack, difference) for stack in stacks if (difference := compare(stack, found.get(stack.name)))]
        refuse_changed_types(stacks, [each for _, each in differing], lambda _: self.client("cloudformation"))
        return self.deployer.deploy(folder, [stack for stack, _ in differing])

    def release(self, fleet: Fleet) -> None:
        """Put a first version of the served model into service."""
        names = fleet.environment(ENVIRONMENT).names
        bucket, key = names.bucket("artifacts"), RunFiles(SERVED, "r-1").artifact
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=constant_model(1.0))
        container = {
            "Image": images.scikit_learn(REGION),
            "ModelDataUrl": f"s3://{bucket}/{key}",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        made = self.client("sagemaker").create_model_package(
            ModelPackageGroupName=names.model(SERVED).package_group,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
        self.client("ssm").put_parameter(
            Name=names.model(SERVED).release_parameter,
            Value=ReleaseState(champion=made["ModelPackageArn"]).to_value(),
            Type="StringList",
            Overwrite=True,
        )
        self.deployer.update(names.model(SERVED).stack("serving"))


@pytest.fixture(scope="module")
def place(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Deploy the environment; its model has an endpoint."""

    def client(service: str) -> Any:
        return embedded_aws.client(service, account=ACCOUNT, region=REGION)

    fleet = Fleet.model_validate(base())
    names = fleet.environment(ENVIRONMENT).names
    client("s3").create_bucket(Bucket=names.asset_bucket)
    embedded_aws.create_boundary(names)
    found = Place(
        aws=embedded_aws,
        folder=tmp_path_factory.mktemp("planned"),
        deployer=Deployer(client=client, bucket=names.asset_bucket),
    )
    fleet, folder = found.assemble(base())
    planned = found.plan(fleet, folder)
    assert planned.is_new
    assert expected(planned) == found.deploy(folder)
    found.release(fleet)
    found.deployed = base()
    yield found
    client("sagemaker").delete_endpoint(EndpointName=names.model(SERVED).endpoint)


def expected(planned: EnvironmentPlan) -> Happened:
    """Return what the plan says will happen to which resource."""
    found: Happened = {}
    for stack in planned.stacks:
        for resource in stack.resources:
            if not resource.touched:
                continue
            action = resource.action.value
            if resource.action == Action.CHANGE:
                action = "replace" if resource.effect == Effect.REPLACE else "update"
            found[stack.name, resource.logical_id] = action
    return found


def test_nothing_is_planned_for_what_is_deployed(place: Place) -> None:
    fleet, folder = place.assemble(place.deployed)
    planned = place.plan(fleet, folder)
    assert not planned.changes
    assert (planned.stacks, planned.sentences, planned.costs) == ((), (), ())
    (endpoint,) = planned.endpoints
    assert (endpoint.text, endpoint.untouched) == ("endpoint untouched", True)


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """A terminal whose credentials may assume a role that reads CloudFormation and nothing else."""

    folder: Path
    variables: dict[str, str]

    def run(self, document: dict[str, Any], *arguments: str) -> tuple[int, str, str]:
        """Run ``mooring plan``; return its exit code, output and errors."""
        fleet = self.folder / "fleet.yaml"
        fleet.write_text(yaml.safe_dump(document))
        ran = subprocess.run(
            [sys.executable, "-m", "mooring", "plan", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self.variables, "MOORING_FLEET": str(fleet)},
        )
        return ran.returncode, ran.stdout, ran.stderr


@pytest.fixture(scope="module")
def terminal(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    reads = {"Effect": "Allow", "Action": ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"]}
    role = f"cdk-mooring-deploy-role-{ACCOUNT}-{REGION}"
    place.aws.create_role(role, [reads | {"Resource": "*"}], account=ACCOUNT)
    return Terminal(folder=tmp_path_factory.mktemp("terminal"), variables=place.aws.variables(ACCOUNT, REGION))


def test_command_exits_with_0_without_changes(terminal: Terminal) -> None:
    code, output, errors = terminal.run(base(), ENVIRONMENT)
    assert (code, errors) == (0, "")
    assert "no changes" in output


def test_command_exits_with_2_for_changes_and_its_role_cannot_change_anything(terminal: Terminal) -> None:
    document = base()
    document["teams"][0]["models"][0]["gate"]["bound"] = 0.65
    code, output, errors = terminal.run(document, "dev", "--json")
    assert (code, errors) == (2, "")
    plan = read_json(Plan, output, "plan")
    (environment,) = plan.environments
    assert [(each.model, each.text, each.when) for each in environment.sentences] == [
        (SERVED, "gate stricter from 0.60 to 0.65", "next retraining only")
    ]
    assert [each.untouched for each in environment.endpoints] == [True]


@pytest.mark.parametrize("arguments", [["elsewhere"], ["--unknown"], ["dev", "prod"]])
def test_command_exits_with_1_for_errors(terminal: Terminal, arguments: list[str]) -> None:
    code, output, errors = terminal.run(base(), *arguments)
    assert (code, output) == (1, "")
    assert "Do this: " in errors


@settings(
    max_examples=EDITS,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(document=edited(base()), code=st.sampled_from(["", "", "other"]), layers=st.sampled_from(["", "", "other"]))
def test_deployment_does_what_the_plan_says(place: Place, document: dict[str, Any], code: str, layers: str) -> None:
    note(f"deployed: {json.dumps(place.deployed)}")
    if not deployed_as_planned(place, document, code=code, layers=layers):
        event("another instance type in two deployments")
        first = copy.deepcopy(document)
        serving_of(first)["serving"] = {"instance_type": place.instance_type, "max_instances": 1}
        assert deployed_as_planned(place, first, code=code, layers=layers)
        assert deployed_as_planned(place, document, code=code, layers=layers)


def serving_of(document: dict[str, Any]) -> Any:
    return next(model for model in document["teams"][0]["models"] if model["name"] == SERVED)


def deployed_as_planned(place: Place, document: dict[str, Any], *, code: str, layers: str) -> bool:
    """Plan and deploy, and compare the two; return False if both say that the deployment is refused."""
    fleet, folder = place.assemble(document, code=code, layers=layers)
    planned = place.plan(fleet, folder)
    if any(stack.refused for stack in planned.stacks):
        with pytest.raises(MooringError, match="endpoint is scaled"):
            place.deploy(folder)
        shutil.rmtree(folder)
        return False
    event(", ".join(sorted(set(expected(planned).values()))) or "nothing")
    happened = place.deploy(folder)
    assert expected(planned) == happened
    assert planned.sentences or not happened
    (endpoint,) = (each for each in planned.endpoints if each.model == SERVED)
    names = fleet.environment(ENVIRONMENT).names.model(SERVED)
    touched = [name for stack, name in happened if stack == names.stack("serving") and name.startswith(ENDPOINT_PARTS)]
    assert endpoint.untouched == (not touched), touched
    place.deployed = document
    again = place.plan(fleet, folder)
    assert not again.changes, again
    # Each assembly has its own copy of the layers.
    shutil.rmtree(folder)
    return True
