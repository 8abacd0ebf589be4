"""Compares two templates of a stack resource by resource, as CloudFormation does in an update.

A replaced resource has another id, so properties that refer to it change as well; if one of those is create-only, its
resource is replaced, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mooring.errors import MooringError
from mooring.plan import rules
from mooring.plan.records import Action, Effect, PropertyChange, ResourceChange
from mooring.plan.resolved import Resource, Template

Tags = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A change with the evaluated resource before and after it; None stands for an absent one."""

    change: ResourceChange
    before: Resource | None
    after: Resource | None


def compare(
    before: Template | None, after: Template | None, *, tags: tuple[Tags, Tags] = ({}, {})
) -> tuple[Compared, ...]:
    """Return the changes of the resources in the order of the new template, then the removed ones.

    None stands for no stack. ``tags`` are those of the stack before and after, which its resources get.

    Raises
    ------
    MooringError
        The table of rules lacks a type, or a condition cannot be evaluated.
    """
    olds = before.resources() if before else {}
    retagged = tags if before and after else ({}, {})
    replaced: frozenset[str] = frozenset()
    while True:
        news = after.resources(replaced) if after else {}
        pairs = (
            (logical_id, olds.get(logical_id), news.get(logical_id)) for logical_id in dict.fromkeys((*news, *olds))
        )
        found = tuple(
            Compared(change=change, before=old, after=new)
            for logical_id, old, new in pairs
            if (change := _change(logical_id, old, new, retagged, is_new_stack=before is None))
        )
        now = frozenset(one.change.logical_id for one in found if _is_replaced(one.change))
        if now == replaced:
            return found
        replaced = now


def _is_replaced(change: ResourceChange) -> bool:
    return change.action == Action.CHANGE and any(
        one.effect == Effect.REPLACE and one.certain for one in change.properties
    )


def _change(
    logical_id: str, old: Resource | None, new: Resource | None, tags: tuple[Tags, Tags], *, is_new_stack: bool
) -> ResourceChange | None:
    was, will = bool(old and old.active), bool(new and new.active)
    if old and new and was and will:
        return _changed(logical_id, old, new, tags)
    if new and will:
        return _record(logical_id, new, Action.ADD)
    if old and was:
        return _record(logical_id, old, Action.REMOVE, kept=old.kept_when_removed)
    if is_new_stack:
        return None
    known = new or old
    assert known is not None
    absent = Resource(type=known.type, properties={})
    later = _compared(old or absent, new or absent, ({}, {}))
    return _record(logical_id, known, Action.LATER, properties=later) if later else None


def _changed(logical_id: str, old: Resource, new: Resource, tags: tuple[Tags, Tags]) -> ResourceChange | None:
    if old.type != new.type:
        reason = f"CloudFormation does not change a resource's type (from {old.type})"
        return _record(logical_id, new, Action.CHANGE, refused=reason)
    properties = _compared(old, new, tags)
    attributes = tuple(
        PropertyChange(path=_text(path), before=before, after=after, effect=Effect.NONE)
        for path, before, after in rules.compare_values(dict(old.attributes), dict(new.attributes))
    )
    if not properties and not attributes:
        return None
    replaced = any(one.effect == Effect.REPLACE for one in properties)
    refused = ""
    if any(one.effect == Effect.REPLACE and one.certain for one in properties):
        name = rules.name_property(new.type)
        if name and new.properties.get(name) and new.properties.get(name) == old.properties.get(name):
            refused = f"its replacement would have the same name, {_name(new)}: give it another {name}"
    return _record(
        logical_id,
        new,
        Action.CHANGE,
        properties=properties,
        attributes=attributes,
        kept=replaced and new.kept_when_replaced,
        refused=refused,
    )


def _compared(old: Resource, new: Resource, tags: tuple[Tags, Tags]) -> tuple[PropertyChange, ...]:
    found = list(rules.compare_values(dict(old.properties), dict(new.properties)))
    named = rules.tag_property(new.type)
    if tags[0] != tags[1] and named and not any(path[0] == named for path, _, _ in found):
        found.append(((named,), dict(tags[0]), dict(tags[1])))
    return tuple(_property(new.type, *one) for one in found)


def _property(resource_type: str, path: tuple[str | int, ...], before: Any, after: Any) -> PropertyChange:
    try:
        effect, certain = rules.effect_of(resource_type, path)
    except rules.UnknownTypeError as error:
        raise MooringError(str(error), remedy="run make golden, which writes the rules of all types in use") from error
    return PropertyChange(path=_text(path), before=before, after=after, effect=effect, certain=certain)


def _record(
    logical_id: str,
    resource: Resource,
    action: Action,
    *,
    properties: tuple[PropertyChange, ...] = (),
    attributes: tuple[PropertyChange, ...] = (),
    kept: bool = False,
    refused: str = "",
) -> ResourceChange:
    order = list(Effect)
    effects = [one.effect for one in properties] if action == Action.CHANGE else []
    return ResourceChange(
        logical_id=logical_id,
        type=resource.type,
        name=_name(resource),
        action=action,
        effect=min(effects, key=order.index, default=Effect.NONE),
        properties=properties,
        attributes=attributes,
        kept=kept,
        refused=refused,
    )


def _name(resource: Resource) -> str:
    named = resource.properties.get(rules.name_property(resource.type) or "")
    return named if isinstance(named, str) else ""


def _text(path: tuple[str | int, ...]) -> str:
    """Return a path as in ``ProductionVariants[0].InstanceType``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
