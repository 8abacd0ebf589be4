"""Plans for tests: a fleet as it is deployed, in a fake CloudFormation, against a fleet as it is wanted."""

import copy
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.assembly import sign
from infra.cost import Prices
from infra.fleet import Fleet
from infra.parts import parts_of
from infra.synthesis import ROOT, add_models, add_shared, new_app
from mooring.deployments import DIGEST, AssembledStack, read_assembly
from mooring.plan.build import make_plan
from mooring.plan.deployed import Reader
from mooring.plan.records import EnvironmentPlan, Plan
from pipelines.interface.release_state import ReleaseState
from tests.support.synth import FLEET

Edit = Callable[[dict[str, Any]], None]


def assembly(fleet: Fleet, folder: Path, *, environment: str = "", root: Path = ROOT, layers: str = "") -> Path:
    """Synthesize a fleet, or one environment of it, into a signed assembly, as the app does.

    ``layers`` marks the assets of the layers, as other wheels would.
    """
    app = new_app(str(folder))
    for each in fleet.environments():
        if environment in ("", each.names.id):
            shared, *slots = parts_of(each)
            operations = add_shared(app, shared, root)
            for slot in slots:
                add_models(app, slot, root, operations)
    app.synth()
    if layers:
        _mark_layers(folder, layers)
    sign(folder)
    return folder


def _mark_layers(folder: Path, mark: str) -> None:
    for path in folder.glob("*-operations.template.json"):
        template = json.loads(path.read_text())
        assets = folder / path.name.replace(".template.", ".assets.")
        text = assets.read_text()
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Lambda::LayerVersion":
                key = resource["Properties"]["Content"]["S3Key"]
                resource["Properties"]["Content"]["S3Key"] = f"{mark}-{key}"
                text = text.replace(f'"objectKey": "{key}"', f'"objectKey": "{mark}-{key}"')
        before = hashlib.sha256(path.read_bytes()).hexdigest()
        path.write_text(json.dumps(template, indent=1))
        after = hashlib.sha256(path.read_bytes()).hexdigest()
        assets.write_text(text.replace(before, after))
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text().replace(before, after))


def fleet_with(*edits: Edit, team: str = "arrivals", stages: tuple[str, ...] = ("dev",)) -> Fleet:
    """Return the tests' fleet with one team, some of its stages, and ``edits`` of the file's content."""
    document = yaml.safe_load(FLEET.read_text())
    document["teams"] = [each for each in document["teams"] if each["name"] == team]
    for each in document["teams"]:
        each["environments"] = [one for one in each["environments"] if one["stage"] in stages]
    for edit in edits:
        edit(document)
    return Fleet.model_validate(document)


@dataclass
class DeployedFleet:
    """What is deployed, as CloudFormation describes it: entries of DescribeStacks and templates by name."""

    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)

    def deploy(self, folder: Path, *, champions: tuple[str, ...] = ()) -> None:
        """Take the stacks of an assembly as deployed; models of ``champions`` have an endpoint."""
        for stack in read_assembly(folder):
            template = json.loads(stack.template.read_text())
            model = stack.tags.get("mooring:model", "")
            state = ReleaseState(champion="arn:aws:sagemaker:us-east-1:111111111111:model-package/group/1")
            value = (state if model in champions else ReleaseState()).to_value()
            parameters = [
                {"ParameterKey": name, "ParameterValue": declared["Default"], "ResolvedValue": value}
                for name, declared in template.get("Parameters", {}).items()
            ]
            self.templates[stack.name] = template
            self.stacks[stack.name] = {
                "StackName": stack.name,
                "StackStatus": "CREATE_COMPLETE",
                "Outputs": [{"OutputKey": DIGEST, "OutputValue": stack.digest}],
                "Tags": [{"Key": key, "Value": text} for key, text in stack.tags.items()],
                "EnableTerminationProtection": stack.protected,
                "Parameters": parameters,
            }

    def list_stacks(self, _place: AssembledStack) -> Iterator[Any]:
        yield from self.stacks.values()

    def client(self, _place: AssembledStack) -> "DeployedFleet":
        return self

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        assert TemplateStage == "Original"
        return {"TemplateBody": copy.deepcopy(self.templates[StackName])}


def plan_of(fleet: Fleet, folder: Path, deployed: DeployedFleet) -> Plan:
    """Return the plan of deploying the assembly in ``folder`` over what is deployed."""
    reader = Reader(list_stacks=deployed.list_stacks, client=deployed.client)
    return make_plan(list(fleet.environments()), folder, Prices.load(), reader)


def plan_edit(*edits: Edit, champions: tuple[str, ...] = (), stage: str = "dev") -> EnvironmentPlan:
    """Return the plan of ``edits`` of the tests' fleet in one environment, which is deployed without them."""
    deployed = DeployedFleet()
    with tempfile.TemporaryDirectory() as folder:
        deployed.deploy(assembly(fleet_with(stages=(stage,)), Path(folder) / "before"), champions=champions)
        after = fleet_with(*edits, stages=(stage,))
        (planned,) = plan_of(after, assembly(after, Path(folder) / "after"), deployed).environments
    return planned
