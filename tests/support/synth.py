"""Synthesizes a fleet for tests: templates by stack name."""

import copy
import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from infra.app import ROOT, build, new_app
from infra.fleet import Fleet, load

Template = dict[str, Any]
_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def templates_of(fleet: Fleet) -> dict[str, Template]:
    """Templates of every stack of the fleet, without the CDK's own validation."""
    with tempfile.TemporaryDirectory() as folder:
        app = new_app(folder)
        build(app, fleet)
        assembly = app.synth()
        return {stack.stack_name: json.loads(Path(stack.template_full_path).read_text()) for stack in assembly.stacks}


@cache
def example_fleet() -> Fleet:
    return load(ROOT / "fleet.yaml")


@cache
def example_templates() -> dict[str, Template]:
    """The example fleet's templates, synthesized once in a process."""
    return templates_of(example_fleet())


def masked(template: Template) -> str:
    """A template as text, without the hashes that change with every edit of the code that it carries."""
    return _HASH.sub("<asset>", json.dumps(template, indent=1, sort_keys=True)) + "\n"


def resources(template: Template, *types: str) -> dict[str, Template]:
    """Resources of these types, by logical id; of all types if none is named."""
    return {
        name: resource for name, resource in template["Resources"].items() if not types or resource["Type"] in types
    }


def changed(template: Template, logical_id: str, **properties: Any) -> Template:
    """A copy with other properties of one resource; a property of None is left out."""
    copied = copy.deepcopy(template)
    target = copied["Resources"][logical_id].setdefault("Properties", {})
    for name, value in properties.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    return copied
