"""Plans for tests: a fleet as it is deployed, in a fake CloudFormation, against a fleet as it is wanted."""

import copy
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
from infra.synthesis import build, new_app
from mooring.deployments import DIGEST, AssembledStack, read_assembly
from mooring.plan.build import make_plan
from mooring.plan.deployed import Reader
from mooring.plan.records import EnvironmentPlan, Plan
from pipelines.interface.release_state import ReleaseState
from tests.support.synth import FLEET

Edit = Callable[[dict[str, Any]], None]


def assembly(fleet: Fleet, folder: Path) -> Path:
    """Synthesize a fleet into a signed assembly, as the app does."""
    app = new_app(str(folder))
    build(app, fleet)
    app.synth()
    sign(folder)
    return folder


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
