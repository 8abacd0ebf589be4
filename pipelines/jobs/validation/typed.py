"""A column's values by its contract's type: a CSV's text is parsed, values of Parquet must be stored as the type."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from pipelines.tables.instants import PATTERN

INTEGERS_BELOW = 2**53
"""Bound of integers: below it a double tells any two apart. A larger number is an identifier, which is a category."""
FIRST_DAY, LAST_DAY = np.datetime64("1677-09-22"), np.datetime64("2262-04-11")
"""Days between which nanoseconds since 1970 fit into 64 bits."""

Series: TypeAlias = "pd.Series[Any]"
Mask = npt.NDArray[np.bool_]


def to_type(given: pa.Array, kind: str, *, text: bool) -> tuple[Series, Mask]:
    """Return the typed values, missing where a cell is unreadable, and a mask of the unreadable cells.

    Numbers become ``float64``; "nan" and "inf" are texts, not numbers. Times become ``datetime64[ns]`` in UTC; a time
    without an offset is in UTC already. Categories stay texts. ``text`` says that the values are a CSV's.
    """
    filled = ~given.is_null().to_numpy(zero_copy_only=False)
    if not text and not _fits(given.type, kind):
        return pd.Series(_nothing(kind, len(given))), filled
    if kind == "category":
        return pd.Series(given.to_pandas(), dtype="object"), np.zeros(len(given), dtype=bool)
    if kind == "time":
        times = _times_of_text(given) if text else _times_of_stored(given)
        return times, filled & times.isna().to_numpy()
    values = _numbers_of_text(given) if text else _numbers_of_stored(given)
    readable = np.isfinite(values)
    if kind == "integer":
        with np.errstate(invalid="ignore"):
            readable &= (values % 1 == 0) & (np.abs(values) < INTEGERS_BELOW)
    # Adding zero turns -0 into 0: a key must not tell these two equal numbers apart.
    return pd.Series(np.where(readable, values, np.nan) + 0.0), filled & ~readable


def _numbers_of_text(given: pa.Array) -> npt.NDArray[np.float64]:
    try:
        numbers = pyarrow.compute.cast(given, pa.float64())
    except pa.ArrowInvalid:
        # Slower, but it continues after a text that is no number.
        return np.asarray(pd.to_numeric(given.to_pandas(), errors="coerce"), dtype="float64")
    return np.asarray(numbers.to_numpy(zero_copy_only=False))


def _numbers_of_stored(given: pa.Array) -> npt.NDArray[np.float64]:
    return np.asarray(given.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _times_of_text(given: pa.Array) -> Series:
    written = pyarrow.compute.match_substring_regex(given, PATTERN)
    given = pyarrow.compute.if_else(written, given, None)
    texts = pd.Series(given.to_pandas(), dtype="object")
    times = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    return times.dt.tz_localize(None).astype("datetime64[ns]")


def _times_of_stored(given: pa.Array) -> Series:
    unit = given.type.unit if isinstance(given.type, pa.TimestampType) else "ms"
    # An instant with a zone is stored in UTC; a date begins at midnight.
    stored = given.cast(pa.timestamp(unit, tz="UTC" if getattr(given.type, "tz", None) else None))
    values = stored.to_numpy(zero_copy_only=False)
    within = (values >= FIRST_DAY.astype(values.dtype)) & (values < LAST_DAY.astype(values.dtype))
    return pd.Series(np.where(within, values, np.datetime64("NaT"))).astype("datetime64[ns]")


def _fits(stored: pa.DataType, kind: str) -> bool:
    types = pa.types
    if isinstance(stored, pa.DictionaryType):
        return kind == "category" and _fits(stored.value_type, kind)
    if kind == "category":
        return bool(types.is_string(stored) or types.is_large_string(stored) or types.is_null(stored))
    if kind == "time":
        return bool(types.is_timestamp(stored) or types.is_date(stored) or types.is_null(stored))
    numeric = (types.is_integer, types.is_floating, types.is_decimal, types.is_null)
    return any(is_one(stored) for is_one in numeric)


def _nothing(kind: str, rows: int) -> npt.NDArray[np.generic]:
    if kind == "category":
        return np.full(rows, None, dtype="object")
    return np.full(rows, np.datetime64("NaT"), dtype="datetime64[ns]") if kind == "time" else np.full(rows, np.nan)
