"""Repair updates of stacks: CloudFormation's own rules say what is replaced, and events name what was touched.

MiniStack has rules of its own for some types, and replaces nothing of the others. It writes events for every resource
of a stack, also for those that an update leaves as they are. The rules are those of ``mooring plan``.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners, stacks

from mooring.embedded.repairs.patching import replace
from mooring.plan import rules

_untouched: set[tuple[str, str]] = set()
"""Stacks' ids and logical ids of resources that running updates leave as they are, until their end is noted."""


def apply() -> None:
    """Repair updates of stacks."""
    for resource_type, found in rules.load().items():
        # For change sets, which name whole properties: one that is create-only in part is replaced conditionally.
        whole = tuple(name for name in found["replace"] if "/" not in name)
        parts = tuple(name.partition("/")[0] for name in (*found["maybe"], *found["replace"]) if name not in whole)
        provisioners._REPLACING_PROPERTIES[resource_type] = whole
        provisioners._CONDITIONALLY_REPLACING_PROPERTIES[resource_type] = parts
        if name := rules.name_property(resource_type):
            provisioners._CUSTOM_NAME_REPLACEMENT.setdefault(resource_type, {"name": name})
    for module in (provisioners, stacks):
        replace(module, "_replacing_change", _by_rules)
        replace(module, "_update_resource", _noting_untouched)
    replace(stacks, "_add_event", _of_touched)


def _by_rules(original: Callable[..., bool]) -> Callable[..., bool]:
    def replacing_change(resource_type: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
        if resource_type not in rules.load():
            return original(resource_type, old, new)
        return rules.replaces(resource_type, old, new)

    return replacing_change


def _noting_untouched(original: Callable[..., Any]) -> Callable[..., Any]:
    """Withdraw the event that an update begins, if nothing differs, and note the resource."""

    def update_resource(
        resource_type: str,
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack: str,
        logical_id: str | None = None,
        *rest: Any,
    ) -> Any:
        if old == new and logical_id and stack in cloudformation._stacks:
            stack_id = cloudformation._stacks[stack]["StackId"]
            events = cloudformation._stack_events[stack_id]
            if events and (events[-1]["LogicalResourceId"], events[-1]["ResourceStatus"]) == (
                logical_id,
                "UPDATE_IN_PROGRESS",
            ):
                events.pop()
                _untouched.add((stack_id, logical_id))
        return original(resource_type, physical_id, old, new, stack, logical_id, *rest)

    return update_resource


def _of_touched(original: Callable[..., None]) -> Callable[..., None]:
    def add_event(
        stack_id: str, stack: str, logical_id: str, resource_type: str, status: str, *rest: Any, **more: Any
    ) -> None:
        if status == "UPDATE_COMPLETE" and (stack_id, logical_id) in _untouched:
            _untouched.discard((stack_id, logical_id))
            return
        original(stack_id, stack, logical_id, resource_type, status, *rest, **more)

    return add_event
