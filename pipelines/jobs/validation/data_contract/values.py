"""Values of the parts of a rule for all rows at once: numbers, texts, times or truths, some of them missing."""

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.tables.instants import instant_of

Cells = Any
"""numpy array of all rows' values, or one value that all rows share."""

_ARITHMETIC: dict[type[ast.operator], Callable[[Cells, Cells], Cells]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Cells, Cells], Cells]] = {
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
    """The expression is no rule; the message names the part, and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """Value of an expression for all rows; ``kind`` is number, text, time or truth."""

    kind: str
    values: Cells
    missing: Mask


def constant(node: ast.Constant) -> Value:
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
    raise InvalidRuleError(f"{text_of(node)[:60]} is neither a number nor a text: no other constant is allowed")


def joined(node: ast.BoolOp, parts: list[Value]) -> Value:
    for part in parts:
        require(node, part, "truth")
    return all_of(parts) if isinstance(node.op, ast.And) else _not(all_of([_not(part) for part in parts]))


def all_of(parts: list[Value]) -> Value:
    """Return ``and`` of truths with three values: false if one is false, else unknown if one is unknown."""
    false: Mask = np.logical_or.reduce(np.broadcast_arrays(*(~part.values & ~part.missing for part in parts)))
    missing: Mask = np.logical_or.reduce(np.broadcast_arrays(*(part.missing for part in parts))) & ~false
    return Value(kind="truth", values=~false & ~missing, missing=missing)


def _not(part: Value) -> Value:
    return Value(kind="truth", values=~part.values & ~part.missing, missing=part.missing)


def unary(node: ast.UnaryOp, operand: Value) -> Value:
    if isinstance(node.op, ast.Not):
        require(node, operand, "truth")
        return _not(operand)
    if isinstance(node.op, ast.USub | ast.UAdd):
        require(node, operand, "number")
        return Value(
            kind="number",
            values=-operand.values if isinstance(node.op, ast.USub) else operand.values,
            missing=operand.missing,
        )
    raise InvalidRuleError(f"{text_of(node)}: the operator is not allowed in a rule; + - and not are")


def arithmetic(node: ast.BinOp, left: Value, right: Value) -> Value:
    if type(node.op) not in _ARITHMETIC:
        raise InvalidRuleError(f"{text_of(node)}: the operators are + - * / // %")
    missing = left.missing | right.missing
    if left.kind == right.kind == "time" and isinstance(node.op, ast.Sub):
        return Value(kind="number", values=(left.values - right.values) / _DAY, missing=missing)
    require(node, left, "number")
    require(node, right, "number")
    return Value(kind="number", values=_ARITHMETIC[type(node.op)](left.values, right.values), missing=missing)


def compared(node: ast.Compare, symbol: ast.cmpop, left: Value, right: Value) -> Value:
    if {left.kind, right.kind} == {"time", "text"}:
        left, right = _as_time(node, left), _as_time(node, right)
    if left.kind != right.kind or left.kind == "truth":
        raise InvalidRuleError(f"{text_of(node)} compares a {left.kind} with a {right.kind}")
    if type(symbol) not in _COMPARISONS:
        raise InvalidRuleError(f"{text_of(node)}: the comparisons are == != < <= > >= and in")
    if left.kind == "text" and not isinstance(symbol, ast.Eq | ast.NotEq):
        raise InvalidRuleError(f"{text_of(node)}: texts are compared by ==, != and in only")
    missing = left.missing | right.missing
    values = np.asarray(_COMPARISONS[type(symbol)](left.values, right.values), dtype=bool)
    if left.kind == "number":
        # 0 / 0 is no number: every comparison with it is false, also that it is unequal.
        values = values & ~np.isnan(left.values) & ~np.isnan(right.values)
    return Value(kind="truth", values=values & ~missing, missing=missing)


def _as_time(node: ast.Compare, value: Value) -> Value:
    if value.kind == "time":
        return value
    if not isinstance(value.values, str):
        raise InvalidRuleError(f"{text_of(node)} compares a time with a column of texts")
    moment = instant_of(value.values)
    if moment is None:
        raise InvalidRuleError(f"{text_of(node)}: {value.values!r} is no ISO 8601 time such as '2013-01-31T23:59'")
    return Value(kind="time", values=moment.to_datetime64(), missing=value.missing)


def membership(node: ast.Compare, symbol: ast.cmpop, left: Value, options: ast.expr) -> Value:
    if not isinstance(options, ast.List | ast.Tuple) or not options.elts:
        raise InvalidRuleError(f"{text_of(node)}: 'in' is followed by a list, as in x in ['a', 'b']")
    if not all(isinstance(option, ast.Constant) for option in options.elts):
        raise InvalidRuleError(f"{text_of(node)}: the list after 'in' has numbers or texts only")
    alike = [compared(node, ast.Eq(), left, constant(option)) for option in options.elts]  # type: ignore[arg-type]
    found = _not(all_of([_not(one) for one in alike]))
    return found if isinstance(symbol, ast.In) else _not(found)


def require(node: ast.expr, value: Value, kind: str) -> None:
    if value.kind != kind:
        raise InvalidRuleError(f"{text_of(node)} needs a {kind}, not a {value.kind}")


def text_of(node: ast.AST) -> str:
    return ast.unparse(node)[:80]
