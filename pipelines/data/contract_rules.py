"""Rules across columns: ``arrival > departure``, ``seats == 0 or load / seats <= 1``.

A rule is one expression in Python's spelling, parsed by ``ast`` and evaluated by the table below and nothing else:
comparisons, ``and``, ``or``, ``not``, ``in``, arithmetic, numbers, texts, column names, ``abs(x)``, ``missing(x)`` and
``column("a name with spaces")``. The difference of two times is a number of days; a text compared with a time is an
ISO 8601 time.

A row whose value is missing breaks no rule that reads it, as in SQL: what is unknown is neither true nor false. So
``x < 5 or missing(x)`` is never needed, and ``not missing(x)`` is how a rule asks for a value.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.data.instants import instant_of

MAX_CHARACTERS = 1000
KINDS = {"category": "text", "number": "number", "integer": "number", "time": "time"}
"""What a column of each type is to a rule."""
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_DAY = np.timedelta64(1, "D")

Mask = npt.NDArray[np.bool_]


class InvalidRuleError(ValueError):
    """The expression is no rule; the message says which part, and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """What an expression gives for all rows: ``values`` of one ``kind``, some ``missing``."""

    kind: str
    values: Any
    missing: Mask


class Rule:
    """A checked rule; ``columns`` are those that it reads.

    Raises
    ------
    InvalidRuleError
        At once if the text is no rule of these columns; never later.
    """

    def __init__(self, *, name: str, text: str, types: Mapping[str, str]) -> None:
        self.name = name
        self.text = text
        self._types = types
        if len(text) > MAX_CHARACTERS:
            raise InvalidRuleError(f"a rule has at most {MAX_CHARACTERS} characters, not {len(text)}")
        try:
            self._body = ast.parse(text.strip(), mode="eval").body
            # A trial on no rows meets every node, and so every mistake.
            empty = {name: pd.Series([], dtype=_DTYPES[kind]) for name, kind in types.items()}
            with np.errstate(all="ignore"):
                kind = self._evaluate(self._body, empty).kind
        except SyntaxError as error:
            raise InvalidRuleError(f"{text!r} is no expression: {error.msg}") from error
        except (ValueError, RecursionError, MemoryError) as error:
            if isinstance(error, InvalidRuleError):
                raise
            raise InvalidRuleError(f"{text[:60]!r}... is no expression: {error}") from error
        if kind != "truth":
            raise InvalidRuleError(f"{text!r} is a {kind}; a rule says what is true")
        self.columns = tuple(dict.fromkeys(self._names(self._body)))
        if not self.columns:
            raise InvalidRuleError(f"{text!r} reads no column")

    def broken(self, frame: pd.DataFrame) -> Mask:
        """Which rows of a typed table break the rule."""
        with np.errstate(all="ignore"):
            found = self._evaluate(self._body, {name: frame[name] for name in self.columns})
        return np.broadcast_to(~found.values & ~found.missing, len(frame))

    def _names(self, node: ast.AST) -> Iterator[str]:
        called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and id(part) not in called:
                yield part.id
            elif isinstance(part, ast.Call) and _called(part) == "column":
                yield part.args[0].value  # type: ignore[attr-defined]

    def _evaluate(self, node: ast.expr, columns: Mapping[str, "pd.Series[Any]"]) -> Value:
        match node:
            case ast.Name():
                return self._column(node.id, columns)
            case ast.Constant():
                return _constant(node)
            case ast.BoolOp():
                return _joined(node, [self._evaluate(part, columns) for part in node.values])
            case ast.UnaryOp():
                return _unary(node, self._evaluate(node.operand, columns))
            case ast.BinOp():
                return _arithmetic(node, self._evaluate(node.left, columns), self._evaluate(node.right, columns))
            case ast.Compare():
                return self._comparison(node, columns)
            case ast.Call():
                return self._call(node, columns)
        raise InvalidRuleError(f"{_text(node)} ({type(node).__name__}) is not allowed in a rule")

    def _column(self, name: str, columns: Mapping[str, "pd.Series[Any]"]) -> Value:
        if name not in self._types:
            raise InvalidRuleError(f"{name!r} is no column; there are {', '.join(self._types)}")
        given = columns[name]
        return Value(kind=KINDS[self._types[name]], values=given.to_numpy(), missing=given.isna().to_numpy())

    def _call(self, node: ast.Call, columns: Mapping[str, "pd.Series[Any]"]) -> Value:
        name = _called(node)
        if name not in ("abs", "missing", "column") or len(node.args) != 1 or node.keywords:
            raise InvalidRuleError(
                f"{_text(node)}: there are abs(x), missing(x) and column('name'), each of one argument"
            )
        if name == "column":
            [argument] = node.args
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                raise InvalidRuleError(f"{_text(node)}: column('name') takes a name in quotes")
            return self._column(argument.value, columns)
        inner = self._evaluate(node.args[0], columns)
        if name == "missing":
            return Value(kind="truth", values=inner.missing, missing=np.zeros_like(inner.missing))
        _require(node, inner, "number")
        return Value(kind="number", values=np.abs(inner.values), missing=inner.missing)

    def _comparison(self, node: ast.Compare, columns: Mapping[str, "pd.Series[Any]"]) -> Value:
        found, left = [], self._evaluate(node.left, columns)
        for symbol, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(symbol, ast.In | ast.NotIn):
                found.append(_membership(node, symbol, left, right_node))
                continue
            right = self._evaluate(right_node, columns)
            found.append(_compared(node, symbol, left, right))
            left = right
        return found[0] if len(found) == 1 else _all(found)


_DTYPES = {"category": "object", "number": "float64", "integer": "float64", "time": "datetime64[ns]"}


def _constant(node: ast.Constant) -> Value:
    known = np.zeros((), dtype=bool)
    if isinstance(node.value, str):
        return Value(kind="text", values=node.value, missing=known)
    if isinstance(node.value, int | float) and not isinstance(node.value, bool):
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return Value(kind="number", values=np.float64(number), missing=known)
    raise InvalidRuleError(f"{_text(node)[:60]} is neither a number nor a text")


def _joined(node: ast.BoolOp, parts: list[Value]) -> Value:
    for part in parts:
        _require(node, part, "truth")
    return _all(parts) if isinstance(node.op, ast.And) else _not(_all([_not(part) for part in parts]))


def _all(parts: list[Value]) -> Value:
    """``and`` of three-valued truths: false if one is false, else unknown if one is unknown."""
    false: Mask = np.logical_or.reduce(np.broadcast_arrays(*(~part.values & ~part.missing for part in parts)))
    missing: Mask = np.logical_or.reduce(np.broadcast_arrays(*(part.missing for part in parts))) & ~false
    return Value(kind="truth", values=~false & ~missing, missing=missing)


def _not(part: Value) -> Value:
    return Value(kind="truth", values=~part.values & ~part.missing, missing=part.missing)


def _unary(node: ast.UnaryOp, operand: Value) -> Value:
    if isinstance(node.op, ast.Not):
        _require(node, operand, "truth")
        return _not(operand)
    if isinstance(node.op, ast.USub | ast.UAdd):
        _require(node, operand, "number")
        return Value(
            kind="number",
            values=-operand.values if isinstance(node.op, ast.USub) else operand.values,
            missing=operand.missing,
        )
    raise InvalidRuleError(f"{_text(node)}: the operator is not allowed in a rule")


def _arithmetic(node: ast.BinOp, left: Value, right: Value) -> Value:
    if type(node.op) not in _ARITHMETIC:
        raise InvalidRuleError(f"{_text(node)}: the operators are + - * / // %")
    missing = left.missing | right.missing
    if left.kind == right.kind == "time" and isinstance(node.op, ast.Sub):
        return Value(kind="number", values=(left.values - right.values) / _DAY, missing=missing)
    _require(node, left, "number")
    _require(node, right, "number")
    return Value(kind="number", values=_ARITHMETIC[type(node.op)](left.values, right.values), missing=missing)


def _compared(node: ast.Compare, symbol: ast.cmpop, left: Value, right: Value) -> Value:
    if {left.kind, right.kind} == {"time", "text"}:
        left, right = _as_time(node, left), _as_time(node, right)
    if left.kind != right.kind or left.kind == "truth":
        raise InvalidRuleError(f"{_text(node)} compares a {left.kind} with a {right.kind}")
    if type(symbol) not in _COMPARISONS:
        raise InvalidRuleError(f"{_text(node)}: the comparisons are == != < <= > >= and in")
    if left.kind == "text" and not isinstance(symbol, ast.Eq | ast.NotEq):
        raise InvalidRuleError(f"{_text(node)}: texts are compared by ==, != and in only")
    missing = left.missing | right.missing
    values = np.asarray(_COMPARISONS[type(symbol)](left.values, right.values), dtype=bool)
    if left.kind == "number":
        # 0 / 0 is no number: it compares with nothing, not even as unequal.
        values = values & ~np.isnan(left.values) & ~np.isnan(right.values)
    return Value(kind="truth", values=values & ~missing, missing=missing)


def _as_time(node: ast.Compare, value: Value) -> Value:
    if value.kind == "time":
        return value
    if not isinstance(value.values, str):
        raise InvalidRuleError(f"{_text(node)} compares a time with a column of texts")
    moment = instant_of(value.values)
    if moment is None:
        raise InvalidRuleError(f"{_text(node)}: {value.values!r} is no ISO 8601 time")
    return Value(kind="time", values=moment.to_datetime64(), missing=value.missing)


def _membership(node: ast.Compare, symbol: ast.cmpop, left: Value, options: ast.expr) -> Value:
    if not isinstance(options, ast.List | ast.Tuple) or not options.elts:
        raise InvalidRuleError(f"{_text(node)}: 'in' is followed by a list, as in x in ['a', 'b']")
    if not all(isinstance(option, ast.Constant) for option in options.elts):
        raise InvalidRuleError(f"{_text(node)}: the list after 'in' has numbers or texts only")
    alike = [_compared(node, ast.Eq(), left, _constant(option)) for option in options.elts]  # type: ignore[arg-type]
    found = _not(_all([_not(one) for one in alike]))
    return found if isinstance(symbol, ast.In) else _not(found)


def _require(node: ast.expr, value: Value, kind: str) -> None:
    if value.kind != kind:
        raise InvalidRuleError(f"{_text(node)} needs a {kind}, not a {value.kind}")


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _text(node: ast.AST) -> str:
    return ast.unparse(node)[:80]
