"""Reads ``fleet.yaml`` and reports all errors of the file at once."""

import copy
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from infra.fleet.checks import check
from infra.fleet.fleet import Fleet
from infra.fleet.problems import FleetError, Problem
from infra.fleet.yaml_loader import Loader


def load(path: Path) -> Fleet:
    """Read and validate a fleet's file.

    Raises
    ------
    FleetError
        The file cannot be read, is not YAML, or has problems; the message names all of them.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError([Problem(str(path), str(error), "a readable UTF-8 file")], str(path)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        raise FleetError([Problem(where, error.problem, "valid YAML, with each key once")], str(path)) from error
    except yaml.YAMLError as error:
        raise FleetError([Problem("the file", str(error), "valid YAML")], str(path)) from error
    return parse(document, source=str(path))


def parse(document: Any, *, source: str = "fleet") -> Fleet:
    """Validate a document that was read already.

    Raises
    ------
    FleetError
        The document has problems; the message names all of them.
    """
    problems: list[Problem] = []
    fleet: Fleet | None = None
    try:
        fleet = Fleet.model_validate(document)
    except ValidationError as invalid:
        problems = [_problem(dict(error)) for error in invalid.errors()]
        fleet = _without(document, [error["loc"] for error in invalid.errors()])
    if fleet is not None:
        # Below a wrong value, the checks would only report what it lacks.
        known = tuple(problem.path for problem in problems)
        problems += [problem for problem in check(fleet) if not problem.path.startswith(known)]
    if problems or fleet is None:
        raise FleetError(problems, source)
    return fleet


def _path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.lstrip(".") or "the file"


_SHAPES = {
    "model_type": "a mapping: lines of key: value",
    "dict_type": "a mapping: lines of key: value",
    "list_type": "a list: each item behind a hyphen, or [a, b]",
}


def _problem(error: dict[str, Any]) -> Problem:
    location, value = error["loc"], error["input"]
    if error["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return Problem(_path(location), str(location[-1]), f"{hint}one of {', '.join(known)}")
    if error["type"] == "missing":
        return Problem(_path(location), None, "a value; it is required")
    if error["type"] in _SHAPES:
        return Problem(_path(location), value, _SHAPES[error["type"]])
    allowed = str(error["msg"]).removeprefix("Input should be ").removeprefix("String should ")
    if location[-1:] == ("account",) and isinstance(value, int):
        allowed += ": put quotes around it"
    return Problem(_path(location), value, allowed)


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are allowed at ``location``: in a model, a list's item or a mapping's value."""
    at: Any = Fleet
    for part in location:
        if isinstance(at, type) and issubclass(at, BaseModel):
            at = at.model_fields[str(part)].annotation
            at = get_args(at)[0] if get_origin(at) is UnionType else at
        else:
            at = get_args(at)[-1]
    return sorted(at.model_fields)


_STAND_INS = {
    "account": "0" * 12,
    "monthly_budget_usd": 1,
    "owners": ["nobody@example.com"],
    "target": "x",
    "time_column": "x",
}
"""Values in place of wrong required ones that no check across values depends on."""


def _without(document: Any, locations: list[tuple[int | str, ...]]) -> Fleet | None:
    """Return the fleet without the values at ``locations``; None if the rest is no fleet.

    So the checks across values run although some values are wrong.
    """
    pruned = copy.deepcopy(document)
    for found in locations:
        end = next((number for number, part in enumerate(found, 1) if part in _STAND_INS), len(found))
        location = found[:end]
        at = pruned
        try:
            for part in location[:-1]:
                at = at[part]
            if isinstance(at, dict):
                at.pop(location[-1], None)
                if location[-1] in _STAND_INS:
                    at[location[-1]] = _STAND_INS[str(location[-1])]
        except (KeyError, IndexError, TypeError):
            return None
    try:
        return Fleet.model_validate(pruned)
    except ValidationError:
        return None
