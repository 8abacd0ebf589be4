"""A column as numbers: a number's value, a text's length, a time's seconds since 1970."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

Values = Sequence[Any] | npt.NDArray[Any]
Array = npt.NDArray[np.float64]

NUMBER, TEXT, TIME = "number", "text", "time"


def is_missing(value: Any) -> bool:
    """None, an empty text, NaN, and pandas' NaT and NA, which are no number and equal to nothing."""
    if isinstance(value, str):
        return not value
    if value is None:
        return True
    equal = value == value  # noqa: PLR0124 - NaN and NaT differ from themselves, and NA answers NA
    return equal is not True and not (isinstance(equal, np.bool_) and bool(equal))


def to_numbers(kind: str, values: Values) -> tuple[Array, int]:
    """The column as numbers, what is missing or unreadable as NaN; and how many of those are unreadable."""
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


def _each(values: Values, read: Callable[[Any], float]) -> tuple[Array, int]:
    numbers, unreadable = np.full(len(values), np.nan), 0
    for row, value in enumerate(values):
        if not is_missing(value):
            try:
                numbers[row] = read(value)
            except (ValueError, TypeError, OverflowError):
                unreadable += 1
    return numbers, unreadable


def _length(value: Any) -> float:
    return float(len(str(value)))


def _seconds(value: Any) -> float:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    # A time without a zone is taken as UTC, wherever this runs.
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if math.isfinite(seconds) else math.nan
