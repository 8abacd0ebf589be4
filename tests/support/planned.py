"""Assemblies and plans for tests; a fake CloudFormation holds what is deployed."""

import copy
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from tests.support.synth import Template, example_fleet, example_templates

ENVIRONMENT, MODEL = "arrivals-dev-us-east-1", "late-arrival"
Templates = dict[str, Template]


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

    def take(self, templates: Mapping[str, Template], *, champions: tuple[str, ...] = ()) -> None:
        """Take templates of ``ENVIRONMENT`` as deployed."""
        with tempfile.TemporaryDirectory() as folder:
            self.deploy(write_assembly(Path(folder) / "deployed", templates), champions=champions)

    def list_stacks(self, _place: AssembledStack) -> Iterator[Any]:
        yield from self.stacks.values()

    def client(self, _place: AssembledStack) -> "DeployedFleet":
        return self

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        assert TemplateStage == "Original"
        return {"TemplateBody": copy.deepcopy(self.templates[StackName])}


def write_assembly(folder: Path, templates: Mapping[str, Template]) -> Path:
    """Write the files of an assembly that ``mooring deploy`` reads, for stacks of ``ENVIRONMENT``."""
    folder.mkdir()
    artifacts = {}
    for name, template in templates.items():
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
        signed = template | {"Outputs": {**template.get("Outputs", {}), DIGEST: {"Value": digest}}}
        (folder / f"{name}.template.json").write_text(json.dumps(signed))
        tags = {"mooring:environment": ENVIRONMENT}
        if name.endswith("-serving"):
            tags["mooring:model"] = name.removeprefix(f"{ENVIRONMENT}-").removesuffix("-serving")
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111111111111/us-east-1",
            "properties": {"templateFile": f"{name}.template.json", "assumeRoleArn": "role", "tags": tags},
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


def templates() -> Templates:
    """Return copies of the templates of ``ENVIRONMENT`` in the tests' fleet, by name."""
    found = example_templates().items()
    return {name: copy.deepcopy(template) for name, template in found if name.startswith(ENVIRONMENT)}


def plan_of(wanted: Templates, deployed: DeployedFleet) -> EnvironmentPlan:
    """Return the plan of deploying templates over what is deployed."""
    (planned,) = whole_plan_of(wanted, deployed).environments
    return planned


def whole_plan_of(wanted: Templates, deployed: DeployedFleet) -> Plan:
    """Return the plan with the environments that are left."""
    reader = Reader(list_stacks=deployed.list_stacks, client=deployed.client)
    with tempfile.TemporaryDirectory() as folder:
        environment = example_fleet().environment(ENVIRONMENT)
        written = write_assembly(Path(folder) / "wanted", wanted)
        return make_plan([environment], written, Prices.load(), reader)


def plan_edit(edit: Callable[[Templates], None], *, champion: bool = True) -> EnvironmentPlan:
    """Return the plan of an edit of the templates, which are deployed without it."""
    deployed, wanted = DeployedFleet(), templates()
    deployed.take(wanted, champions=(MODEL,) if champion else ())
    edit(wanted)
    return plan_of(wanted, deployed)


def of_type(templates: Templates, resource_type: str) -> dict[str, Template]:
    """Return the resources of a type in all templates, by logical id."""
    return {
        name: resource
        for template in templates.values()
        for name, resource in template["Resources"].items()
        if resource["Type"] == resource_type
    }
