"""Builds a contract from a YAML document and notes all that is wrong in it."""

from dataclasses import fields
from typing import Any

import pandas as pd

from pipelines.jobs.validation.data_contract.rules import InvalidRuleError, Rule
from pipelines.jobs.validation.data_contract.spec import ROLES, TYPES, Column, DataContract, Freshness
from pipelines.jobs.validation.data_contract.yaml import Document
from pipelines.tables.instants import instant_of

KEYS = ("min_rows", "segments", "unique", "freshness", "rules", "columns")


class ContractBuilder:
    """Builds a contract from a document and notes what is wrong in it, so that one reading finds every error."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._broken: set[str] = set()

    def contract(self, sha256: str) -> DataContract | None:
        given = self.document.content
        if not isinstance(given, dict) or not isinstance(given.get("columns"), dict) or not given["columns"]:
            self._wrong(("columns",), "a contract is an object with min_rows and columns")
            return None
        for key in given:
            if key not in KEYS:
                self._wrong((key,), f"unknown key (known: {', '.join(KEYS)})")
        columns = {name: self._column(name, rules) for name, rules in given["columns"].items()}
        types = {name: column.type for name, column in columns.items() if column.type in TYPES}
        # What refers to a column that is wrong itself is not wrong for that.
        self._broken = set(columns) - set(types)
        return DataContract(
            min_rows=self._whole(("min_rows",), given.get("min_rows")),
            columns=columns,
            segments=self._segments(given.get("segments", []), types),
            unique=self._unique(given.get("unique", []), columns),
            freshness=self._freshness(given["freshness"], types) if "freshness" in given else None,
            rules=self._rules(given.get("rules", {}), types),
            sha256=sha256,
        )

    def _wrong(self, path: tuple[str | int, ...], text: str) -> None:
        self.document.add(path, text)

    def _column(self, name: str, rules: Any) -> Column:
        path = ("columns", name)
        if not isinstance(rules, dict):
            self._wrong(path, f"a column's rules are an object, not {rules!r}")
            return Column(role="", type="")
        known = [field.name for field in fields(Column)]
        for rule in rules:
            if rule not in known:
                self._wrong((*path, rule), f"unknown rule (known: {', '.join(known)})")
        kind, role = rules.get("type"), rules.get("role")
        if kind not in TYPES:
            self._wrong((*path, "type"), f"a type is one of {', '.join(TYPES)}, not {kind!r}")
            return Column(role=str(role), type="")
        if role not in ROLES:
            self._wrong((*path, "role"), f"a role is one of {', '.join(ROLES)}, not {role!r}")
        nullable = self._truth((*path, "nullable"), rules.get("nullable", False))
        share = rules.get("max_null_share")
        if share is not None:
            if not _is_number(share) or not 0 <= share <= 1:
                self._wrong((*path, "max_null_share"), f"a share is a number from 0 to 1, not {share!r}")
            elif not nullable:
                self._wrong((*path, "max_null_share"), "only of a column that is nullable: true")
        low, high = (self._bound((*path, end), rules.get(end), kind) for end in ("min", "max"))
        if low is not None and high is not None and low > high:  # type: ignore[operator]
            self._wrong((*path, "max"), f"max {rules['max']} is below min {rules['min']}")
        return Column(
            role=str(role),
            type=kind,
            nullable=nullable,
            max_null_share=share,
            unique=self._truth((*path, "unique"), rules.get("unique", False)),
            min=low,
            max=high,
            allowed=self._allowed((*path, "allowed"), rules["allowed"], kind) if "allowed" in rules else None,
        )

    def _bound(self, path: tuple[str, ...], value: Any, kind: str) -> float | pd.Timestamp | None:
        if value is None:
            return None
        if kind == "category":
            self._wrong(path, "of a number, an integer or a time only")
        elif kind == "time":
            moment = instant_of(value) if isinstance(value, str) else None
            if moment is None:
                self._wrong(path, f"a bound of a time is an ISO 8601 time, not {value!r}")
            return moment
        elif not _is_number(value):
            self._wrong(path, f"a bound is a number, not {value!r}")
        else:
            return float(value)
        return None

    def _allowed(self, path: tuple[str, ...], values: Any, kind: str) -> tuple[Any, ...] | None:
        if kind == "time":
            self._wrong(path, "of a category, a number or an integer only")
        elif not isinstance(values, list) or not values:
            self._wrong(path, f"the allowed values are a list of at least one, not {values!r}")
        else:
            for number, value in enumerate(values):
                if kind == "category" and not isinstance(value, str):
                    self._wrong((*path, number), f"{value!r} is no text: write it in quotes")
                elif kind != "category" and not _is_number(value):
                    self._wrong((*path, number), f"{value!r} is no number")
            return tuple(values)
        return None

    def _segments(self, names: Any, types: dict[str, str]) -> tuple[str, ...]:
        if not isinstance(names, list):
            self._wrong(("segments",), f"segments are a list of columns, not {names!r}")
            return ()
        for number, name in enumerate(names):
            if types.get(str(name)) != "category" and str(name) not in self._broken:
                self._wrong(("segments", number), f"{name!r} is no category among the columns")
        return tuple(map(str, names))

    def _unique(self, keys: Any, columns: dict[str, Column]) -> tuple[tuple[str, ...], ...]:
        if not isinstance(keys, list) or not all(isinstance(key, list) and len(key) > 1 for key in keys):
            self._wrong(
                ("unique",), "keys are lists of two or more columns, as in [[day, flight]]; of one: unique: true"
            )
            return ()
        for number, key in enumerate(keys):
            for position, name in enumerate(key):
                if name not in columns:
                    self._wrong(("unique", number, position), f"{name!r} is no column")
            if len(set(map(str, key))) < len(key):
                self._wrong(("unique", number), "a column stands twice in the key")
        return tuple(tuple(map(str, key)) for key in keys)

    def _freshness(self, given: Any, types: dict[str, str]) -> Freshness | None:
        if not isinstance(given, dict) or set(given) != {"column", "max_age_days"}:
            self._wrong(("freshness",), "freshness is an object with column and max_age_days")
            return None
        if types.get(str(given["column"])) != "time" and str(given["column"]) not in self._broken:
            self._wrong(("freshness", "column"), f"{given['column']!r} is no time among the columns")
        if not _is_number(given["max_age_days"]) or given["max_age_days"] < 0:
            self._wrong(("freshness", "max_age_days"), f"a number of days, not {given['max_age_days']!r}")
            return None
        return Freshness(column=str(given["column"]), max_age_days=float(given["max_age_days"]))

    def _rules(self, given: Any, types: dict[str, str]) -> tuple[Rule, ...]:
        if not isinstance(given, dict):
            self._wrong(("rules",), "rules are an object: a name, and the expression that every row must fulfil")
            return ()
        rules = []
        for name, text in given.items():
            try:
                if not isinstance(text, str):
                    raise InvalidRuleError(f"a rule is an expression in text, not {text!r}")
                rules.append(Rule(name=name, text=text, types=types))
            except InvalidRuleError as error:
                if not any(column in str(text) for column in self._broken):
                    self._wrong(("rules", name), str(error))
        return tuple(rules)

    def _whole(self, path: tuple[str, ...], value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._wrong(path, f"a whole number of rows, not {value!r}")
        return 0

    def _truth(self, path: tuple[str, ...], value: Any) -> bool:
        if not isinstance(value, bool):
            self._wrong(path, f"true or false, not {value!r}")
        return value is True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
