"""Repair Step Functions' ValidateStateMachineDefinition: MiniStack accepts every text.

The rules are those of the Amazon States Language that a definition breaks most: its shape, the names of its states, and
that every state can be reached and comes to an end. Payload templates and paths are not validated.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions

from mooring.embedded.repairs.patching import replace

TYPES = ("Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
ENDS = ("Succeed", "Fail")
NEEDS = {"Task": "Resource", "Choice": "Choices", "Parallel": "Branches"}
Diagnostic = dict[str, str]


def apply() -> None:
    """Repair Step Functions."""
    replace(stepfunctions, "_validate_state_machine_definition", _validating)


def _validating(_original: object) -> Callable[[dict[str, Any]], Any]:
    def validate(request: dict[str, Any]) -> Any:
        if not request.get("definition"):
            return error_response_json("ValidationException", "definition is required", 400)
        diagnostics = list(problems(request["definition"]))
        return json_response(
            {"result": "FAIL" if diagnostics else "OK", "diagnostics": diagnostics, "truncated": False}
        )

    return validate


def problems(definition: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a definition."""
    try:
        machine = json.loads(definition)
    except json.JSONDecodeError as error:
        yield _problem("INVALID_JSON_DESCRIPTION", "", f"The definition is no JSON: {error}")
        return
    if not isinstance(machine, dict):
        yield _problem("INVALID_JSON_DESCRIPTION", "", "The definition is no object")
        return
    yield from _machine(machine, "")


def _machine(machine: dict[str, Any], path: str) -> Iterator[Diagnostic]:
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield _problem("SCHEMA_VALIDATION_FAILED", f"{path}/States", "States is missing or empty")
        return
    start = machine.get("StartAt")
    if start not in states:
        yield _problem("MISSING_TRANSITION_TARGET", f"{path}/StartAt", f"StartAt names {start!r}, which is no state")
    reached = {start}
    for name, state in states.items():
        place = f"{path}/States/{name}"
        yield from _state(state, place)
        for where, target in _targets(state):
            reached.add(target)
            if target not in states:
                yield _problem(
                    "MISSING_TRANSITION_TARGET", f"{place}/{where}", f"{where} names {target!r}, which is no state"
                )
    for name in states:
        if name not in reached:
            yield _problem("UNREACHABLE_STATE", f"{path}/States/{name}", f"No state leads to {name!r}")


def _state(state: dict[str, Any], place: str) -> Iterator[Diagnostic]:
    kind = state.get("Type")
    if kind not in TYPES:
        allowed = ", ".join(TYPES)
        yield _problem("SCHEMA_VALIDATION_FAILED", f"{place}/Type", f"Type is {kind!r}, not one of {allowed}")
        return
    if (needed := NEEDS.get(kind)) and not state.get(needed):
        yield _problem("SCHEMA_VALIDATION_FAILED", f"{place}/{needed}", f"A {kind} state needs {needed}")
    if kind not in (*ENDS, "Choice") and ("Next" in state) == (state.get("End") is True):
        yield _problem("SCHEMA_VALIDATION_FAILED", place, f"A {kind} state needs Next, or End with the value true")
    inner = [*state.get("Branches", [])] if kind == "Parallel" else []
    if kind == "Map":
        inner.append(state.get("ItemProcessor") or state.get("Iterator") or {})
    for number, machine in enumerate(inner):
        yield from _machine(machine, f"{place}/{number}")


def _targets(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (place, name) of the states that a state can go to."""
    for key in ("Next", "Default"):
        if key in state:
            yield key, state[key]
    for key in ("Choices", "Catch"):
        for number, rule in enumerate(state.get(key, [])):
            if "Next" in rule:
                yield f"{key}/{number}/Next", rule["Next"]


def _problem(code: str, location: str, message: str) -> Diagnostic:
    return {"severity": "ERROR", "code": code, "location": location or "/", "message": message}
