"""Reads the stacks of a cloud assembly: what ``cdk synth`` writes into ``cdk.out``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENT_TAG = "mooring:environment"
MODEL_TAG = "mooring:model"
STACK = "aws:cloudformation:stack"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A synthesized stack; ``model`` is "" unless all of its resources are one model's."""

    name: str
    environment: str
    region: str
    template: dict[str, Any]
    model: str = ""


def read_assembly(folder: Path) -> list[Stack]:
    """Return the stacks of an assembly, by name."""
    return sorted(_stacks(folder), key=lambda stack: stack.name)


def _stacks(folder: Path) -> Iterator[Stack]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, artifact in manifest["artifacts"].items():
        if artifact["type"] == STACK:
            properties = artifact["properties"]
            tags = properties.get("tags", {})
            yield Stack(
                name=properties.get("stackName", name),
                environment=tags[ENVIRONMENT_TAG],
                model=tags.get(MODEL_TAG, ""),
                region=artifact["environment"].rpartition("/")[2],
                template=json.loads((folder / properties["templateFile"]).read_text(encoding="utf-8")),
            )
