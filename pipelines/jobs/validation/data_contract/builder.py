"""Builder of a contract from a YAML document; it notes every error of the document."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeGuard

from pipelines.interface.codec import Json
from pipelines.jobs.validation.data_contract.rules import InvalidRuleError, Rule
from pipelines.jobs.validation.data_contract.spec import ROLES, TYPES, Bound, Column, DataContract, Freshness
from pipelines.jobs.validation.data_contract.yaml import Document
from pipelines.tables.instants import instant_of

KEYS = ("min_rows", "segments", "unique", "freshness", "rules", "columns")


class ContractBuilder:
    """Builder of a contract. It continues after an error, so that one reading finds every error."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._broken: set[str] = set()

    def contract(self, sha256: str) -> DataContract | None:
        given = self.document.content
        columns = given.get("columns") if isinstance(given, Mapping) else None
        if not isinstance(given, Mapping) or not isinstance(columns, Mapping) or not columns:
            self._wrong(("columns",), "a contract is an object with min_rows and columns")
            return None
        for key in given:
            if key not in KEYS:
                self._wrong((key,), f"unknown key: it is one of {', '.join(KEYS)}")
        read = {name: self._column(name, rules) for name, rules in columns.items()}
        types = {name: column.type for name, column in read.items() if column.type in TYPES}
        # A reference to a column that is wrong itself is no second error.
        self._broken = set(read) - set(types)
        return DataContract(
            min_rows=self._whole(("min_rows",), given.get("min_rows")),
            columns=read,
            segments=self._segments(given.get("segments", []), types),
            unique=self._unique(given.get("unique", []), read),
            freshness=self._freshness(given["freshness"], types) if "freshness" in given else None,
            rules=self._rules(given.get("rules", {}), types),
            sha256=sha256,
        )

    def _wrong(self, path: tuple[str | int, ...], text: str) -> None:
        self.document.add(path, text)

    def _column(self, name: str, rules: Json) -> Column:
        path = ("columns", name)
        if not isinstance(rules, Mapping):
            self._wrong(path, f"a column's rules are an object, not {rules!r}")
            return Column(role="", type="")
        known = [field.name for field in fields(Column)]
        for rule in rules:
            if rule not in known:
                self._wrong((*path, rule), f"unknown rule: it is one of {', '.join(known)}")
        kind, role = rules.get("type"), rules.get("role")
        if not isinstance(kind, str) or kind not in TYPES:
            self._wrong((*path, "type"), f"a type is one of {', '.join(TYPES)}, not {kind!r}")
            return Column(role=str(role), type="")
        if role not in ROLES:
            self._wrong((*path, "role"), f"a role is one of {', '.join(ROLES)}, not {role!r}")
        nullable = self._truth((*path, "nullable"), rules.get("nullable", False))
        share = self._share((*path, "max_null_share"), rules.get("max_null_share"), nullable=nullable)
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

    def _share(self, path: tuple[str, ...], value: Json, *, nullable: bool) -> float | None:
        if value is None:
            return None
        if not _is_number(value) or not 0 <= value <= 1:
            self._wrong(path, f"a share is a number from 0 to 1, not {value!r}")
            return None
        if not nullable:
            self._wrong(path, "only a column with nullable: true has a share of missing values")
        return value

    def _bound(self, path: tuple[str, ...], value: Json, kind: str) -> Bound | None:
        if value is None:
            return None
        if kind == "category":
            self._wrong(path, "only a number, an integer or a time has a bound")
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

    def _allowed(self, path: tuple[str, ...], values: Json, kind: str) -> tuple[str | float, ...] | None:
        if kind == "time":
            self._wrong(path, "only a category, a number or an integer has allowed values")
            return None
        if not isinstance(values, list) or not values:
            self._wrong(path, f"the allowed values are a list of at least one, not {values!r}")
            return None
        allowed: list[str | float] = []
        for number, value in enumerate(values):
            if kind == "category" and not isinstance(value, str):
                self._wrong((*path, number), f"{value!r} is no text: write it in quotes")
            elif kind != "category" and not _is_number(value):
                self._wrong((*path, number), f"{value!r} is no number")
            else:
                allowed.append(value)
        return tuple(allowed)

    def _segments(self, names: Json, types: Mapping[str, str]) -> tuple[str, ...]:
        if not isinstance(names, list):
            self._wrong(("segments",), f"segments are a list of columns, not {names!r}")
            return ()
        for number, name in enumerate(names):
            if types.get(str(name)) != "category" and str(name) not in self._broken:
                self._wrong(("segments", number), f"{name!r} is not a column of type category")
        return tuple(map(str, names))

    def _unique(self, keys: Json, columns: Mapping[str, Column]) -> tuple[tuple[str, ...], ...]:
        if not isinstance(keys, list) or not all(isinstance(key, list) and len(key) > 1 for key in keys):
            self._wrong(
                ("unique",),
                "keys are lists of two or more columns, as in [[day, flight]]; write unique: true for one column",
            )
            return ()
        for number, key in enumerate(keys):
            for position, name in enumerate(key):
                if name not in columns:
                    self._wrong(("unique", number, position), f"{name!r} is no column")
            if len(set(map(str, key))) < len(key):
                self._wrong(("unique", number), "a column occurs twice in the key")
        return tuple(tuple(map(str, key)) for key in keys)

    def _freshness(self, given: Json, types: Mapping[str, str]) -> Freshness | None:
        if not isinstance(given, Mapping) or set(given) != {"column", "max_age_days"}:
            self._wrong(("freshness",), "freshness is an object with column and max_age_days")
            return None
        column, days = str(given["column"]), given["max_age_days"]
        if types.get(column) != "time" and column not in self._broken:
            self._wrong(("freshness", "column"), f"{given['column']!r} is not a column of type time")
        if not _is_number(days) or days < 0:
            self._wrong(("freshness", "max_age_days"), f"the largest age is a number of days, not {days!r}")
            return None
        return Freshness(column=column, max_age_days=float(days))

    def _rules(self, given: Json, types: Mapping[str, str]) -> tuple[Rule, ...]:
        if not isinstance(given, Mapping):
            self._wrong(("rules",), "rules are an object of names and the expressions that every row must fulfil")
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

    def _whole(self, path: tuple[str, ...], value: Json) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._wrong(path, f"the smallest number of rows is a whole number, not {value!r}")
        return 0

    def _truth(self, path: tuple[str, ...], value: Json) -> bool:
        if not isinstance(value, bool):
            self._wrong(path, f"the value is true or false, not {value!r}")
        return value is True


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
