"""Synthesizes fleets for tests, and returns templates by stack name."""

import copy
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from infra.cost import Stack, read_assembly
from infra.fleet import Fleet, load, parse
from infra.parts import parts_of
from infra.synthesis import build, new_app, synthesize

Template = dict[str, Any]

FLEET = Path(__file__).with_name("fleet.yaml")
"""File of the tests' fleet. Commands find it by ``MOORING_FLEET``, which tests/conftest.py sets."""


def stacks_of(fleet: Fleet) -> list[Stack]:
    """Return every stack of the fleet, by name, without the CDK's own validation."""
    with tempfile.TemporaryDirectory() as folder:
        app = new_app(folder)
        build(app, fleet)
        app.synth()
        return read_assembly(Path(folder))


def templates_of(fleet: Fleet) -> dict[str, Template]:
    """Return the templates of every stack of the fleet."""
    return {stack.name: stack.template for stack in stacks_of(fleet)}


@cache
def example_fleet() -> Fleet:
    return load(FLEET)


@cache
def example_stacks() -> list[Stack]:
    """Return the stacks of the tests' fleet, which a process synthesizes once."""
    return stacks_of(example_fleet())


@cache
def example_templates() -> dict[str, Template]:
    """Return the templates of the tests' fleet."""
    return {stack.name: stack.template for stack in example_stacks()}


def resources(template: Template, *types: str) -> dict[str, Template]:
    """Return the resources of these types by logical id; all resources without types."""
    return {
        name: resource for name, resource in template["Resources"].items() if not types or resource["Type"] in types
    }


def changed(template: Template, logical_id: str, **properties: Any) -> Template:
    """Return a copy with other properties of one resource; a property of None is removed."""
    copied = copy.deepcopy(template)
    target = copied["Resources"][logical_id].setdefault("Properties", {})
    for name, value in properties.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    return copied


@cache
def promoting_fleet() -> Fleet:
    """Return the tests' fleet with a tooling account, a person's approval before prod, and two regions in prod."""
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    document["tooling"] = {"account": "333333333331", "region": "eu-west-1"}
    document["stages"][2]["promotion"] = {"approval": "manual"}
    document["teams"][0]["environments"].append({"stage": "prod", "account": "111111111113", "region": "eu-west-1"})
    return parse(document)


@cache
def promotion_template() -> Template:
    """Return the template of the first team's pipelines, from ``promoting_fleet``."""
    return promotion_template_of(promoting_fleet())


def promotion_template_of(fleet: Fleet) -> Template:
    """Return the template of the pipelines of a fleet's first team."""
    names = fleet.tooling_environment(fleet.teams[0])
    assert names
    (part,) = parts_of(fleet.deployable()[names.id])
    with tempfile.TemporaryDirectory() as folder:
        synthesize(part, Path(folder))
        (stack,) = read_assembly(Path(folder))
    return stack.template
