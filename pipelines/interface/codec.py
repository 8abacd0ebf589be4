"""Read and write frozen records as JSON values: strictly in, canonically out.

A record is a dataclass whose fields are of the types below. ``read`` refuses an unknown field, a missing field and a
value of another type, and names all of them at once with their paths. A field with a default may be missing, so that a
document that an older version wrote is still read; with ``ignore_unknown`` so is one that a newer version wrote.
``to_json`` writes every field.
"""

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
JsonObject = Mapping[str, Json]

_PLAIN = frozenset({bool, int, float, str})

T = TypeVar("T")


class InvalidRecordError(ValueError):
    """A document is not a record of its type; the message names every wrong field."""


@dataclass
class _FieldError(Exception):
    """One field that cannot be read: its path and the reason. ``unknown`` fields leave the rest readable."""

    path: str
    reason: str
    unknown: bool = False


def read(kind: type[T], document: object, what: str = "", *, ignore_unknown: bool = False) -> T:
    """Return ``document`` as a ``kind``; ``what`` names the document in an error.

    ``ignore_unknown`` is for what a newer version may have written before this one was deployed again.

    Raises
    ------
    InvalidRecordError
        Fields are unknown, missing or of another type; the message names all of them.

    Examples
    --------
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Size:
    ...     rows: int
    ...     note: str = ""
    >>> read(Size, {"rows": 3})
    Size(rows=3, note='')
    >>> read(Size, {"row": 3})
    Traceback (most recent call last):
        ...
    pipelines.interface.codec.InvalidRecordError: Size: rows is missing; row is unknown
    """
    problems: list[_FieldError] = []
    value = _read(kind, document, "", problems)
    if ignore_unknown:
        problems = [problem for problem in problems if not problem.unknown]
    if problems:
        reasons = "; ".join(f"{problem.path or 'the document'} {problem.reason}" for problem in problems)
        raise InvalidRecordError(f"{what or kind.__name__}: {reasons}")
    return cast(T, value)


def read_json(kind: type[T], text: str | bytes, what: str = "", *, ignore_unknown: bool = False) -> T:
    """Return the record that a JSON text holds; the arguments are those of ``read``.

    Raises
    ------
    InvalidRecordError
        The text is not JSON, or not such a record.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidRecordError(f"{what or kind.__name__}: no JSON: {error}") from error
    return read(kind, document, what, ignore_unknown=ignore_unknown)


def to_json(record: object) -> dict[str, Json]:
    """Return a record as a JSON object with every field in it."""
    written = _written(record)
    assert isinstance(written, dict)
    return written


def canonical(record: object) -> str:
    """Return a record as one JSON text that is the same for equal records."""
    return json.dumps(to_json(record), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _written(value: object) -> Json:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _written(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _written(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        # A profile has hundreds of thousands of numbers: checking the types of a list once is ten times as fast.
        return list(value) if set(map(type, value)) <= _PLAIN else [_written(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _read(kind: object, value: object, path: str, problems: list[_FieldError]) -> object:
    """Return ``value`` as ``kind``; note what is wrong in ``problems`` and return None there."""
    try:
        if is_dataclass(kind):
            return _read_record(kind, value, path, problems)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return _read_union(arguments, value, path, problems)
        if origin is tuple:
            return _read_tuple(arguments[0], value, path, problems)
        if origin in (dict, Mapping):
            return _read_mapping(arguments[1], value, path, problems)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return _read_word(kind, value, path)
        return _read_plain(kind, value, path)
    except _FieldError as problem:
        problems.append(problem)
        return None


def _read_record(kind: object, value: object, path: str, problems: list[_FieldError]) -> object:
    if not isinstance(value, Mapping):
        raise _FieldError(path, f"is {_named(value)}, not an object")
    known, before, values = _fields_of(kind), len(problems), {}
    for name, (field, hint) in known.items():
        at = f"{path}.{name}" if path else name
        if name in value:
            values[name] = _read(hint, value[name], at, problems)
        elif field.default is MISSING and field.default_factory is MISSING:
            problems.append(_FieldError(at, "is missing"))
    unknown = sorted(str(name) for name in value.keys() - known.keys())
    problems += [_FieldError(f"{path}.{name}" if path else name, "is unknown", unknown=True) for name in unknown]
    if not all(problem.unknown for problem in problems[before:]):
        return None
    assert isinstance(kind, type)
    return kind(**values)


@cache
def _fields_of(kind: type) -> dict[str, tuple["Field[object]", object]]:
    hints = get_type_hints(kind)
    return {field.name: (field, hints[field.name]) for field in fields(kind)}


def _read_union(kinds: tuple[object, ...], value: object, path: str, problems: list[_FieldError]) -> object:
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    if len(others) == 1:
        return _read(others[0], value, path, problems)
    attempts = []
    for kind in others:
        attempt: list[_FieldError] = []
        found = _read(kind, value, path, attempt)
        if not attempt:
            return found
        attempts.append((found, attempt))
    if isinstance(value, Mapping) and all(map(is_dataclass, others)):
        # The record with the fewest problems is the one that was meant.
        found, closest = min(attempts, key=lambda each: len(each[1]))
        problems.extend(closest)
        return found
    raise _FieldError(path, f"is {_named(value)}, not one of {', '.join(map(_type_name, others))}")


def _read_tuple(kind: object, value: object, path: str, problems: list[_FieldError]) -> tuple[object, ...]:
    if kind in _PLAIN and isinstance(value, list):
        found = set(map(type, value))
        if found <= {kind}:
            return tuple(value)
        if kind is float and found <= {int, float}:
            return tuple(map(float, value))
    return tuple(_read_items(kind, value, path, problems))


def _read_items(kind: object, value: object, path: str, problems: list[_FieldError]) -> Iterator[object]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
        raise _FieldError(path, f"is {_named(value)}, not a list")
    for number, item in enumerate(value):
        yield _read(kind, item, f"{path}[{number}]", problems)


def _read_mapping(kind: object, value: object, path: str, problems: list[_FieldError]) -> object:
    if not isinstance(value, Mapping):
        raise _FieldError(path, f"is {_named(value)}, not an object")
    return {str(name): _read(kind, item, f"{path}.{name}", problems) for name, item in value.items()}


def _read_word(kind: type[StrEnum], value: object, path: str) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError:
        raise _FieldError(path, f"is {value!r}, not one of {', '.join(kind)}") from None


def _read_plain(kind: object, value: object, path: str) -> object:
    if kind is object:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is not bool and isinstance(value, bool)):
        return value
    raise _FieldError(path, f"is {_named(value)}, not {_type_name(kind)}")


def _named(value: object) -> str:
    return "null" if value is None else f"{type(value).__name__} {value!r:.40}"


def _type_name(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
