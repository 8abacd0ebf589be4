"""What an update of a property does to its resource, by CloudFormation's own rules.

``rules.json`` holds facts of CloudFormation's resource schemas: ``replace`` are the create-only properties, ``maybe``
those that are create-only under conditions. ``make golden`` writes it from the schemas that cfn-lint ships, for the
types of our templates. The embedded AWS decides by the same table.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mooring.plan.records import Effect

FILE = Path(__file__).with_name("rules.json")
CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
"""Beginnings of types whose updates call a function of ours, which keeps the resource's id."""
INTERRUPTING = {"AWS::DynamoDB::Table": ("AttributeDefinitions", "SSESpecification")}
"""Properties of our types whose documentation says "Update requires: Some interruptions". The schemas do not say it."""

Path_ = Sequence[str | int]
"""Names and indices that lead to a value of the properties."""


class UnknownTypeError(LookupError):
    """The table has no rules for a type."""


@cache
def load() -> Mapping[str, Mapping[str, Any]]:
    """Return the table by types of resources."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["types"]
    return found


def is_custom(resource_type: str) -> bool:
    return resource_type.startswith(CUSTOM)


def effect_of(resource_type: str, path: Path_) -> tuple[Effect, bool]:
    """Return the effect of a change of the value at ``path``, and whether that is certain.

    Raises
    ------
    UnknownTypeError
        The table has no rules for the type.

    Examples
    --------
    >>> effect_of("AWS::Budgets::Budget", ["Budget", "BudgetLimit", "Amount"])
    (<Effect.NONE: 'none'>, True)
    >>> effect_of("AWS::Budgets::Budget", ["Budget"])
    (<Effect.REPLACE: 'replace'>, False)
    """
    if is_custom(resource_type):
        return Effect.NONE, True
    rules = load().get(resource_type)
    if rules is None:
        raise UnknownTypeError(f"there are no rules for updates of {resource_type} in {FILE.name}")
    names = [name for name in path if isinstance(name, str)]
    for pointer in rules["replace"]:
        if _begins(names, pointer.split("/")):
            return Effect.REPLACE, True
    for pointer in (*rules["maybe"], *rules["replace"]):
        if _begins(names, pointer.split("/")) or _begins(pointer.split("/"), names):
            return Effect.REPLACE, False
    if path[0] in INTERRUPTING.get(resource_type, ()):
        return Effect.INTERRUPT, True
    return Effect.NONE, True


def replaces(resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether CloudFormation certainly replaces a resource whose properties change so."""
    return any(effect_of(resource_type, path) == (Effect.REPLACE, True) for path, _, _ in compare_values(before, after))


def compare_values(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any, Any]]:
    """Yield each path at which two values differ, with both sides; None stands for an absent one."""
    if isinstance(before, dict) and isinstance(after, dict) and not _is_reference(before) and not _is_reference(after):
        for name in dict.fromkeys((*before, *after)):
            yield from compare_values(before.get(name), after.get(name), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from compare_values(one, other, (*path, number))
    elif before != after:
        yield path, before, after


def name_property(resource_type: str) -> str | None:
    """Return the create-only property that is the name of resources of a type; None if it has none.

    CloudFormation makes a replacement before it deletes its predecessor, so the two cannot have one name.

    Examples
    --------
    >>> name_property("AWS::S3::Bucket"), name_property("AWS::Lambda::LayerVersion")
    ('BucketName', None)
    """
    noun = resource_type.rpartition(":")[2]
    names = load().get(resource_type, {}).get("replace", ())
    return next((name for name in ("Name", f"{noun}Name") if name in names), None)


def tag_property(resource_type: str) -> str | None:
    """Return the property that takes the tags of the stack; None if resources of the type have none."""
    found: str | None = load().get(resource_type, {}).get("tags")
    return found


def _is_reference(value: Mapping[str, Any]) -> bool:
    return any(name == "Ref" or name.startswith("Fn::") for name in value)


def _begins(path: Sequence[str], pointer: Sequence[str]) -> bool:
    """Return whether a path leads to the pointed property or into it."""
    steps = [step for step in pointer if step != "*"]
    return list(path[: len(steps)]) == steps
