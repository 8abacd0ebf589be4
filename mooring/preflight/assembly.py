"""The synthesized templates of one environment, and the values in them that CloudFormation would resolve."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring.cdk import fleet_file, synthesized
from mooring.errors import MooringError

Template = Mapping[str, Any]
Lookup = Callable[[str, str | None], str]
"""Returns the value of a logical id, or of one of its attributes."""


class UnresolvedError(MooringError):
    """A value of a template that this module cannot resolve."""

    def __init__(self, what: str) -> None:
        super().__init__(f"a template's value cannot be resolved: {what}", remedy="deploy the stack; else report it")


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """Templates by the name of their stack, and the version of the bootstrap that deploying them needs."""

    templates: Mapping[str, Template]
    bootstrap_version: int

    def resources(self, kind: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield (stack, logical id, properties) of each resource of a type."""
        for stack, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield stack, logical_id, resource.get("Properties", {})


def synthesize(environment_id: str) -> Assembly:
    """Run the CDK app for one environment, in a process of its own, and read what it writes.

    Raises
    ------
    MooringError
        The app failed; the message ends with its last lines.
    """
    with synthesized(fleet_file(), environment_id) as folder:
        return read_assembly(folder)


def read_assembly(folder: Path) -> Assembly:
    """Read the templates that the CDK wrote into ``cdk.out``, or another folder."""
    artifacts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    found = {name: item["properties"] for name, item in artifacts.items() if item["type"] == "aws:cloudformation:stack"}
    files = {stack.get("stackName", name): stack["templateFile"] for name, stack in found.items()}
    return Assembly(
        templates={name: json.loads((folder / file).read_text(encoding="utf-8")) for name, file in files.items()},
        bootstrap_version=max((stack.get("requiresBootstrapStackVersion", 0) for stack in found.values()), default=0),
    )


def resolve(value: Any, lookup: Lookup) -> Any:
    """Return a template's value with Ref, Fn::GetAtt and Fn::Join replaced by what ``lookup`` returns.

    Raises
    ------
    UnresolvedError
        There is another intrinsic function, or ``lookup`` raised it.
    """
    if isinstance(value, list):
        return [resolve(item, lookup) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        name, inner = next(iter(value.items()))
        if name == "Ref":
            return lookup(inner, None)
        if name == "Fn::GetAtt":
            return lookup(inner[0], inner[1])
        if name == "Fn::Join":
            return inner[0].join(map(str, resolve(inner[1], lookup)))
        if name.startswith("Fn::"):
            raise UnresolvedError(name)
    return {name: resolve(item, lookup) for name, item in value.items()}
