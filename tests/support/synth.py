"""Synthesizes fleets for tests, and returns templates by stack name."""

import copy
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from infra.cost import Stack, read_assembly
from infra.fleet import Fleet, load
from infra.synthesis import build, new_app

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
