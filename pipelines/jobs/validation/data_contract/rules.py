"""Rules across columns: ``arrival > departure``, ``seats == 0 or load / seats <= 1``.

A rule is one expression in Python's spelling. ``ast`` parses it and this module evaluates it node by node; nothing else
is ever run. Allowed are comparisons, ``and``, ``or``, ``not``, ``in``, arithmetic, numbers, texts, column names,
``abs(x)``, ``missing(x)`` and ``column("a name with spaces")``. The difference of two times is a number of days; a text
that is compared with a time is an ISO 8601 time.

A missing value breaks no rule that reads it, as in SQL: an unknown value is neither true nor false. So
``x < 5 or missing(x)`` is never needed, and ``not missing(x)`` is the rule that requires a value.
"""

import ast
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from pipelines.jobs.validation.data_contract.values import (
    InvalidRuleError,
    Mask,
    Value,
    all_of,
    arithmetic,
    compared,
    constant,
    joined,
    membership,
    require,
    text_of,
    unary,
)

__all__ = ["InvalidRuleError", "Rule"]

MAX_CHARACTERS = 1000
"""Largest length of a rule."""
KINDS = {"category": "text", "number": "number", "integer": "number", "time": "time"}
"""Kind of value that a column of each type has in a rule."""
_DTYPES = {"category": "object", "number": "float64", "integer": "float64", "time": "datetime64[ns]"}


class Rule:
    """Checked rule; ``columns`` are those that it reads.

    Raises
    ------
    InvalidRuleError
        The text is no rule of these columns. Only the constructor raises it.

    Examples
    --------
    >>> rule = Rule(name="lands later", text="landed > day", types={"landed": "number", "day": "number"})
    >>> rule.broken(pd.DataFrame({"landed": [2.0, 1.0], "day": [1.0, 1.0]})).tolist()
    [False, True]
    """

    def __init__(self, *, name: str, text: str, types: Mapping[str, str]) -> None:
        self.name = name
        self.text = text
        self._types = types
        if len(text) > MAX_CHARACTERS:
            raise InvalidRuleError(f"the rule has {len(text)} characters, but it has at most {MAX_CHARACTERS}")
        try:
            self._body = ast.parse(text.strip(), mode="eval").body
            # An evaluation of no rows visits every node, and so finds every error.
            empty = pd.DataFrame({name: pd.Series([], dtype=_DTYPES[kind]) for name, kind in types.items()})
            with np.errstate(all="ignore"):
                kind = self._evaluate(self._body, empty).kind
        except SyntaxError as error:
            raise InvalidRuleError(f"{text!r} is no expression: {error.msg}") from error
        except (ValueError, RecursionError, MemoryError) as error:
            if isinstance(error, InvalidRuleError):
                raise
            raise InvalidRuleError(f"{text[:60]!r}... is no expression: {error}") from error
        if kind != "truth":
            raise InvalidRuleError(f"{text!r} is a {kind}, but a rule is true or false for each row: compare it")
        self.columns = tuple(dict.fromkeys(self._names(self._body)))
        if not self.columns:
            raise InvalidRuleError(f"{text!r} reads no column: name at least one of {', '.join(types)}")

    def broken(self, frame: pd.DataFrame) -> Mask:
        """Return a mask of the rows of a typed table that break the rule."""
        with np.errstate(all="ignore"):
            found = self._evaluate(self._body, frame)
        return np.broadcast_to(~found.values & ~found.missing, len(frame))

    def _names(self, node: ast.AST) -> Iterator[str]:
        called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and id(part) not in called:
                yield part.id
            elif isinstance(part, ast.Call) and _called(part) == "column":
                yield part.args[0].value  # type: ignore[attr-defined]

    def _evaluate(self, node: ast.expr, rows: pd.DataFrame) -> Value:
        match node:
            case ast.Name():
                return self._column(node.id, rows)
            case ast.Constant():
                return constant(node)
            case ast.BoolOp():
                return joined(node, [self._evaluate(part, rows) for part in node.values])
            case ast.UnaryOp():
                return unary(node, self._evaluate(node.operand, rows))
            case ast.BinOp():
                return arithmetic(node, self._evaluate(node.left, rows), self._evaluate(node.right, rows))
            case ast.Compare():
                return self._comparison(node, rows)
            case ast.Call():
                return self._call(node, rows)
        raise InvalidRuleError(
            f"{text_of(node)} ({type(node).__name__}) is not allowed in a rule; see docs/reference/contract.md"
        )

    def _column(self, name: str, rows: pd.DataFrame) -> Value:
        if name not in self._types:
            raise InvalidRuleError(f"{name!r} is no column: it is one of {', '.join(self._types)}")
        given = rows[name]
        return Value(kind=KINDS[self._types[name]], values=given.to_numpy(), missing=given.isna().to_numpy())

    def _call(self, node: ast.Call, rows: pd.DataFrame) -> Value:
        name = _called(node)
        if name not in ("abs", "missing", "column") or len(node.args) != 1 or node.keywords:
            raise InvalidRuleError(
                f"{text_of(node)}: the functions are abs(x), missing(x) and column('name'), each of one argument"
            )
        if name == "column":
            [argument] = node.args
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                raise InvalidRuleError(f"{text_of(node)}: column('name') takes a name in quotes")
            return self._column(argument.value, rows)
        inner = self._evaluate(node.args[0], rows)
        if name == "missing":
            return Value(kind="truth", values=inner.missing, missing=np.zeros_like(inner.missing))
        require(node, inner, "number")
        return Value(kind="number", values=np.abs(inner.values), missing=inner.missing)

    def _comparison(self, node: ast.Compare, rows: pd.DataFrame) -> Value:
        found, left = [], self._evaluate(node.left, rows)
        for symbol, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(symbol, ast.In | ast.NotIn):
                found.append(membership(node, symbol, left, right_node))
                continue
            right = self._evaluate(right_node, rows)
            found.append(compared(node, symbol, left, right))
            left = right
        return found[0] if len(found) == 1 else all_of(found)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""
