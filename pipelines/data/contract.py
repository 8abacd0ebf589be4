"""The data contract of a model: what its dataset's rows must look like, and the check that reports every violation.

A contract is ``contract.yaml`` beside the model's programs. It keeps to the part of YAML that is JSON, because AWS's
scikit-learn container has no YAML parser and nothing can be installed there::

    {"min_rows": 1000, "segments": ["origin"], "columns": {
      "origin": {"role": "feature", "type": "category", "allowed": ["EWR", "JFK", "LGA"]},
      "temp":   {"role": "feature", "type": "number", "min": -40, "max": 130, "nullable": true}}}
"""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

TYPES = ("category", "number", "integer", "time")
ROLES = ("feature", "label", "record")
EXAMPLES = 3


class InvalidContractError(ValueError):
    """The contract itself is wrong; the message names all that is."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """``role``: what the model is given, what it predicts, or neither. ``min`` and ``max`` are inclusive."""

    role: str
    type: str
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class DataContract:
    min_rows: int
    columns: dict[str, Column]
    segments: tuple[str, ...] = ()
    """Categorical columns by whose values the evaluation is broken down."""

    @property
    def features(self) -> list[str]:
        """The columns that the endpoint is asked with, in order."""
        return [name for name, column in self.columns.items() if column.role == "feature"]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule of one column. ``examples`` are values of rows: show them, but never keep them for ever."""

    column: str
    rule: str
    count: int
    detail: str
    examples: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shown = f", e.g. {', '.join(repr(value) for value in self.examples)}" if self.examples else ""
        return f"{self.column}: {self.detail} ({self.count} rows{shown})"

    def to_record(self) -> dict[str, Any]:
        """What may be kept for ever: no values of rows."""
        return {"column": self.column, "rule": self.rule, "count": self.count, "detail": self.detail}


def read_contract(path: Path) -> DataContract:
    """Read and check a contract.

    Raises
    ------
    InvalidContractError
        The file is not a contract; all errors at once.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidContractError(
            f"{path.name}: {error}; a contract is written in JSON's part of YAML (the container has no YAML parser)"
        ) from error
    errors = list(_errors(document))
    if errors:
        raise InvalidContractError(f"{path.name}: {'; '.join(errors)}")
    columns = {
        name: Column(**{**rules, "allowed": tuple(rules["allowed"]) if "allowed" in rules else None})
        for name, rules in document["columns"].items()
    }
    return DataContract(min_rows=document["min_rows"], columns=columns, segments=tuple(document.get("segments", ())))


def _errors(document: Any) -> list[str]:
    if not isinstance(document, dict) or not isinstance(document.get("columns"), dict):
        return ["a contract is an object with min_rows and columns"]
    errors = [f"unknown key {key!r}" for key in document if key not in ("min_rows", "segments", "columns")]
    if not isinstance(document.get("min_rows"), int):
        errors.append(f"min_rows is a whole number, not {document.get('min_rows')!r}")
    known = {f.name for f in fields(Column)}
    for name, rules in document["columns"].items():
        if not isinstance(rules, dict):
            errors.append(f"{name}: rules are an object, not {rules!r}")
            continue
        errors += [f"{name}: unknown rule {rule!r} (known: {sorted(known)})" for rule in rules if rule not in known]
        if rules.get("type") not in TYPES:
            errors.append(f"{name}: type is one of {TYPES}, not {rules.get('type')!r}")
        if rules.get("role") not in ROLES:
            errors.append(f"{name}: role is one of {ROLES}, not {rules.get('role')!r}")
    errors += [
        f"segments: {name!r} is no category among the columns"
        for name in document.get("segments", ())
        if document["columns"].get(name, {}).get("type") != "category"
    ]
    return errors


def check(frame: pd.DataFrame, contract: DataContract) -> tuple[pd.DataFrame, list[Violation]]:
    """Check a table of strings, as files give it, and return it typed together with all violations.

    Numbers that cannot be read become missing in the typed table; times become ``datetime64``.
    """
    violations = []
    if len(frame) < contract.min_rows:
        violations.append(
            Violation(column="(rows)", rule="min_rows", count=len(frame), detail=f"fewer than {contract.min_rows} rows")
        )
    typed = {}
    for name, column in contract.columns.items():
        if name not in frame:
            detail = f"the column is missing; there are {', '.join(map(str, frame.columns))}"
            violations.append(Violation(column=name, rule="missing", count=len(frame), detail=detail))
            continue
        typed[name], found = _check_column(name, frame[name], column)
        violations += found
    return pd.DataFrame(typed), violations


def _check_column(name: str, given: "pd.Series[Any]", column: Column) -> tuple["pd.Series[Any]", list[Violation]]:
    violations = []

    def add(rule: str, bad: "pd.Series[bool]", detail: str) -> None:
        if count := int(bad.sum()):
            examples = [str(value)[:60] for value in given[bad].dropna().unique()[:EXAMPLES]]
            violations.append(Violation(column=name, rule=rule, count=count, detail=detail, examples=examples))

    values = to_type(given, column.type)
    empty = given.isna()
    add("type", values.isna() & ~empty, f"not readable as {column.type}")
    if not column.nullable:
        add("nullable", empty, "empty, and the contract allows no empty value")
    if column.type == "integer":
        add("type", values.notna() & (values % 1 != 0), "not a whole number")
    if column.min is not None:
        add("min", values < column.min, f"below {column.min}")
    if column.max is not None:
        add("max", values > column.max, f"above {column.max}")
    if column.allowed is not None:
        add("allowed", ~empty & ~values.isin(column.allowed), f"not one of {', '.join(column.allowed)}")
    return values, violations


def to_type(values: "pd.Series[Any]", kind: str) -> "pd.Series[Any]":
    """Strings as a column type says; what cannot be read becomes missing."""
    if kind in ("number", "integer"):
        return pd.to_numeric(values, errors="coerce").astype("float64")
    if kind == "time":
        return pd.to_datetime(values, format="ISO8601", errors="coerce")
    return values.astype("object")
