"""Makes the plan of a deployment: the assembly against what is deployed, environment by environment."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.cost import Prices
from infra.fleet import FleetEnvironment
from mooring.deployments import DIGEST, NEW, SERVING, TEMPLATE, AssembledStack
from mooring.deployments import compare as compare_stack
from mooring.deployments import read_assembly as read_stacks
from mooring.instance_types import changed_instance_type
from mooring.plan.costs import Costed, cost_changes
from mooring.plan.deployed import GONE, Reader, parameters_of, tags_of
from mooring.plan.differences import Compared, compare
from mooring.plan.endpoints import endpoint_change, has_champion
from mooring.plan.records import (
    Action,
    Effect,
    EnvironmentPlan,
    Plan,
    PropertyChange,
    Sentence,
    StackChange,
)
from mooring.plan.resolved import Template
from mooring.plan.rules import compare_values
from mooring.plan.words import tell
from pipelines.interface.names import ENVIRONMENT_TAG
from pipelines.interface.release_state import ReleaseState

MODEL_TAG = "mooring:model"
RELEASE = "/release"
"""End of the names of the parameters that are release states."""
LEFT = "not in the fleet"


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """A stack of the assembly with its deployed self, and the templates of both; ``before`` is None if it is new."""

    wanted: AssembledStack
    after: Mapping[str, Any]
    deployed: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    change: StackChange | None
    compared: tuple[Compared, ...]

    @property
    def environment(self) -> str:
        return self.wanted.tags.get(ENVIRONMENT_TAG, "")

    @property
    def model(self) -> str:
        return self.wanted.tags.get(MODEL_TAG, "")


def make_plan(environments: Sequence[FleetEnvironment], assembly: Path, prices: Prices, reader: Reader) -> Plan:
    """Return the plan of deploying an assembly of some environments.

    Raises
    ------
    MooringError
        The credentials may not read what is deployed, or a template holds what cannot be compared.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    pairs = []
    wanted = read_stacks(assembly)
    for stack in wanted:
        place = (stack.account, stack.region)
        if place not in found:
            found[place] = {each["StackName"]: each for each in reader.list_stacks(stack)}
        pairs.append(_pair(stack, found[place].get(stack.name), reader))
    names = {stack.name for stack in wanted}
    left = [
        each
        for stacks in found.values()
        for each in stacks.values()
        if each["StackName"] not in names and each["StackStatus"] not in GONE
    ]
    costs = cost_changes([_costed(pair) for pair in pairs], prices)
    known = {each.names.id for environment in environments for each in environment.fleet.environments()}
    return Plan(
        prices_of=prices.dated,
        environments=tuple(
            _environment(
                environment,
                [pair for pair in pairs if pair.environment == environment.names.id],
                [each for each in left if tags_of(each).get(ENVIRONMENT_TAG) == environment.names.id],
                costs.get(environment.names.id, ()),
            )
            for environment in environments
        )
        + tuple(_forgotten(left, known)),
    )


def _pair(stack: AssembledStack, deployed: Mapping[str, Any] | None, reader: Reader) -> _Pair:
    after = json.loads(stack.template.read_text(encoding="utf-8"))
    difference = compare_stack(stack, deployed)
    if deployed is not None and deployed["StackStatus"] in GONE:
        deployed = None
    if difference is None:
        return _Pair(wanted=stack, after=after, deployed=deployed, before=after, change=None, compared=())
    before = reader.template(stack, stack.name) if deployed is not None else None
    known = parameters_of(deployed, before) if deployed is not None and before is not None else {}
    pseudo = {"AWS::AccountId": stack.account, "AWS::Region": stack.region, "AWS::StackName": stack.name}
    tags = tags_of(deployed) if deployed else {}
    compared = compare(
        Template(before, parameters=known, pseudo=pseudo) if before is not None else None,
        Template(after, parameters={**_defaults(after), **known}, pseudo=pseudo),
        tags=(tags, stack.tags),
    )
    change = StackChange(
        name=stack.name,
        model=stack.tags.get(MODEL_TAG, ""),
        action=Action.CHANGE if deployed else Action.ADD,
        reason=difference.reason if deployed else NEW,
        resources=tuple(one.change for one in compared),
        settings=tuple(_settings(stack, deployed, before, after)) if deployed and before is not None else (),
        refused=_refused(stack.name, before, after) if before is not None and difference.reason == TEMPLATE else "",
    )
    return _Pair(wanted=stack, after=after, deployed=deployed, before=before, change=change, compared=compared)


def _refused(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return why ``mooring deploy`` refuses a stack, which it checks for Serving stacks; "" if it does not."""
    if name.endswith(SERVING) and (change := changed_instance_type(before, after)):
        return (
            f"mooring deploy refuses the instance type {change.after} instead of {change.before} while the endpoint is "
            "scaled: deploy twice, first with min_instances equal to max_instances"
        )
    return ""


def _defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that parameters of a new stack have; a release state is created as an empty one."""
    found: dict[str, Any] = {}
    for name, declared in template.get("Parameters", {}).items():
        default = declared.get("Default")
        if not declared["Type"].startswith("AWS::SSM::"):
            found[name] = default.split(",") if "List" in declared["Type"] and default else default
        elif str(default).endswith(RELEASE):
            found[name] = ReleaseState().to_value().split(",")
    return {name: value for name, value in found.items() if value is not None}


def _settings(
    stack: AssembledStack, deployed: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[PropertyChange]:
    tags = dict(stack.tags)
    olds = {"Tags": tags_of(deployed), "TerminationProtection": deployed.get("EnableTerminationProtection", False)}
    news: dict[str, Any] = {"Tags": tags, "TerminationProtection": stack.protected}
    for values, template in ((olds, before), (news, after)):
        values |= {name: value for name, value in template.items() if name != "Resources"}
        values["Outputs"] = {name: value for name, value in template.get("Outputs", {}).items() if name != DIGEST}
    for path, one, other in compare_values(olds, news):
        yield PropertyChange(path=".".join(map(str, path)), before=one, after=other, effect=Effect.NONE)


def _costed(pair: _Pair) -> Costed:
    return Costed(
        name=pair.wanted.name,
        environment=pair.environment,
        model=pair.model,
        region=pair.wanted.region,
        before=pair.before,
        after=pair.after,
        serves=has_champion(pair.deployed, pair.before),
    )


def _environment(
    environment: FleetEnvironment, pairs: Sequence[_Pair], left: Sequence[Mapping[str, Any]], costs: Any
) -> EnvironmentPlan:
    is_new = all(pair.deployed is None for pair in pairs)
    changed = [pair for pair in pairs if pair.change]
    stacks = tuple(pair.change for pair in changed if pair.change)
    leaves = tuple(_left(each) for each in left)
    if is_new:
        resources = sum(one.change.action == Action.ADD for pair in pairs for one in pair.compared)
        text = f"new environment: {len(pairs)} stacks with {resources} resources"
        sentences: tuple[Sentence, ...] = (Sentence(model="", text=text),)
    else:
        sentences = tell(environment.names, [(pair.model, pair.compared) for pair in changed])
        sentences += tuple(_of_settings(stacks))
    return EnvironmentPlan(
        environment=environment.names.id,
        stage=environment.names.stage,
        is_new=is_new,
        stacks=(*stacks, *leaves),
        sentences=(*sentences, *(_of_left(each) for each in leaves)),
        endpoints=tuple(
            endpoint_change(pair.model, pair.compared, serves=has_champion(pair.deployed, pair.before))
            for pair in pairs
            if pair.model
        ),
        costs=costs,
    )


def _forgotten(left: Sequence[Mapping[str, Any]], known: Collection[str]) -> Iterator[EnvironmentPlan]:
    """Yield environments that are deployed in the same places, and that the fleet has no more."""
    for name in sorted({tags_of(each).get(ENVIRONMENT_TAG, "") for each in left} - {"", *known}):
        leaves = tuple(_left(each) for each in left if tags_of(each).get(ENVIRONMENT_TAG) == name)
        yield EnvironmentPlan(
            environment=name,
            stage="",
            is_new=False,
            stacks=leaves,
            sentences=tuple(_of_left(each) for each in leaves),
            endpoints=(),
            costs=(),
        )


def _left(stack: Mapping[str, Any]) -> StackChange:
    model = tags_of(stack).get(MODEL_TAG, "")
    return StackChange(name=stack["StackName"], model=model, action=Action.LEAVE, reason=LEFT)


def _of_left(stack: StackChange) -> Sentence:
    text = f"{stack.name} is no longer in the fleet and stays deployed, until mooring retire or mooring env down"
    return Sentence(model=stack.model, text=text)


def _of_settings(stacks: Sequence[StackChange]) -> Iterator[Sentence]:
    for stack in stacks:
        for change in stack.settings:
            if change.path == "TerminationProtection":
                word = "protected" if change.after else "no longer protected"
                yield Sentence(model=stack.model, text=f"{stack.name} {word} against deletion", when="at once")
            else:
                yield Sentence(model=stack.model, text=f"{stack.name}: {change.path} changes")
        if stack.reason not in (NEW, "template", "tags", "termination protection"):
            yield Sentence(model=stack.model, text=f"{stack.name} is {stack.reason}: a deployment repeats its update")
        if stack.refused:
            yield Sentence(model=stack.model, text=stack.refused)
        if stack.action == Action.ADD:
            yield Sentence(model=stack.model, text=f"new stack {stack.name}")
        elif not stack.resources and not stack.settings:
            yield Sentence(model=stack.model, text=f"{stack.name}: its template is written anew, nothing is touched")
