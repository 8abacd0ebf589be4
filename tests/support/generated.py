"""Hypothesis strategies for records of any type."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

T = TypeVar("T")

NUMBERS = st.floats(min_value=-1e9, max_value=1e9).filter(lambda number: not number or abs(number) > 1e-100)
"""Finite numbers that are zero or large enough for DynamoDB, which holds none below 1e-130."""
PLAIN: dict[object, st.SearchStrategy[Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: st.integers(-(10**15), 10**15),
    float: NUMBERS,
    str: st.text(max_size=8),
    object: st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=3)
    | st.lists(st.integers(0, 9), max_size=2),
}
"""Strategies for values of the types that a record's fields are made of; finite numbers, as JSON and DynamoDB want."""


def records(kind: type[T]) -> st.SearchStrategy[T]:
    """Return a strategy for records of a type; every field is drawn, those with defaults too."""
    hints = get_type_hints(kind)
    assert is_dataclass(kind)
    return st.builds(kind, **{field.name: _values(hints[field.name]) for field in fields(kind)})


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of([_values(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=2).map(tuple)
    if origin in (dict, Mapping):
        return st.dictionaries(st.text(min_size=1, max_size=4), _values(arguments[1]), max_size=2)
    if is_dataclass(hint):
        return records(hint)  # type: ignore[arg-type]
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    return PLAIN[hint]
