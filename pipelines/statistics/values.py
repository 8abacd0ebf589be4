"""A column as numbers: a number's value, a text's length, a time's seconds since 1970."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

Cell = Any
"""Value of a table as its reader found it: a text, a number, a time, a value of JSON, or nothing."""
Values = Sequence[Cell] | npt.NDArray[np.generic]
Array = npt.NDArray[np.float64]

NUMBER, TEXT, TIME = "number", "text", "time"


def is_missing(value: Cell) -> bool:
    """Return whether a value is None, an empty text, NaN, or pandas' NaT or NA.

    The last three are equal to nothing, not even to themselves.
    """
    if isinstance(value, str):
        return not value
    if value is None:
        return True
    equal = value == value  # noqa: PLR0124 - NaN and NaT differ from themselves, and NA answers NA
    return equal is not True and not (isinstance(equal, np.bool_) and bool(equal))


def to_numbers(kind: str, values: Values) -> tuple[Array, int]:
    """Return the column as numbers, and the number of unreadable values.

    Missing and unreadable values are NaN.
    """
    if kind == NUMBER:
        return _numbers(values)
    if kind == TIME and isinstance(values, np.ndarray) and values.dtype.kind == "M":
        seconds = values.astype("datetime64[ns]").astype(np.float64) / 1e9
        return np.where(np.isnat(values), np.nan, seconds), 0
    return _each(values, _length if kind == TEXT else _seconds)


def _numbers(values: Values) -> tuple[Array, int]:
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return values.astype(np.float64, copy=False), 0
    try:
        numbers = np.array(["nan" if is_missing(value) else value for value in values], dtype=np.float64)
    except (ValueError, TypeError):
        return _each(values, float)
    return (numbers, 0) if numbers.ndim == 1 else _each(values, float)


def _each(values: Values, read: Callable[[Cell], float]) -> tuple[Array, int]:
    numbers, unreadable = np.full(len(values), np.nan), 0
    for row, value in enumerate(values):
        if not is_missing(value):
            try:
                numbers[row] = read(value)
            except (ValueError, TypeError, OverflowError):
                unreadable += 1
    return numbers, unreadable


def _length(value: Cell) -> float:
    return float(len(str(value)))


def _seconds(value: Cell) -> float:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    # A time without a zone is taken as UTC, in whatever zone this runs.
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if math.isfinite(seconds) else math.nan
