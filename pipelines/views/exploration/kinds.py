"""Finds the kind of a column's values by looking at all of them: nothing is guessed from a few rows or a name.

Files give strings (or, from Parquet, typed columns). Every value counts towards one kind, and counts of several files
add up. A column's kind is the one that nearly all of its values have; the others are its strays.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

AnySeries: TypeAlias = "pd.Series[Any]"
"""Column of a table. pandas' types have no narrower name for a column of any type."""

KINDS = ("integer", "number", "time", "boolean", "text")
EMPTY = "empty"
NUMERIC = ("integer", "number")
MIN_SHARE = 0.95
"""Least share of a column's values that are of its kind; without such a kind the column is text."""
LARGEST = 1e150
"""Largest number whose square, and sums of such squares, are finite."""
_WHOLE = r"[+-]?(?:0|[1-9][0-9]*)"
_CODE = r"[+-]?0[0-9]+"
"""Digits that begin with a zero: a code (a postcode, an account), because a number would lose the zero."""
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*"
_LOGICAL = r"(?i)true|false"


@dataclass(frozen=True, kw_only=True)
class Values:
    """A column by its distinct values: ``texts[codes]`` is the column as text, and code -1 is a missing value.

    ``texts``, ``counts``, ``kinds`` and ``numbers`` have one entry for each distinct value. As a number, a time is in
    seconds since 1970 in UTC, a boolean is 0 or 1, and a text is NaN.
    """

    codes: npt.NDArray[np.intp]
    counts: npt.NDArray[np.int64]
    texts: list[str]
    kinds: npt.NDArray[np.str_]
    numbers: npt.NDArray[np.float64]

    @property
    def missing(self) -> int:
        return int((self.codes < 0).sum())

    def column(self, kind: str) -> npt.NDArray[np.float64]:
        """Return the column's rows as numbers of ``kind``.

        Missing values and strays are NaN; numbers beyond ``LARGEST`` are infinite.
        """
        fits = self.kinds == kind
        if kind in NUMERIC:
            fits = np.isin(self.kinds, NUMERIC)
        numbers = np.append(np.where(fits, self.numbers, np.nan), np.nan)
        numbers[np.abs(numbers) > LARGEST] *= np.inf
        return numbers[self.codes]

    def count_kinds(self) -> "KindCounts":
        return KindCounts(missing=self.missing, **{kind: int(self.counts[self.kinds == kind].sum()) for kind in KINDS})


@dataclass(frozen=True, kw_only=True)
class KindCounts:
    """Counts of a column's values by kind. Counts of two parts of a table add up."""

    missing: int = 0
    integer: int = 0
    number: int = 0
    time: int = 0
    boolean: int = 0
    text: int = 0

    def __add__(self, other: "KindCounts") -> "KindCounts":
        names = ("missing", *KINDS)
        return KindCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def present(self) -> int:
        return sum(getattr(self, kind) for kind in KINDS)

    @property
    def kind(self) -> str:
        """The column's kind: one of ``KINDS``, or ``empty``. Whole numbers among other numbers are numbers."""
        if not self.present:
            return EMPTY
        wanted = MIN_SHARE * self.present
        if self.integer + self.number >= wanted:
            return "number" if self.number else "integer"
        return next((kind for kind in ("time", "boolean") if getattr(self, kind) >= wanted), "text")

    @property
    def strays(self) -> int:
        """Number of values that are not of the column's kind. Text has none, because any value can be text."""
        if self.kind in NUMERIC:
            return self.present - self.integer - self.number
        return 0 if self.kind in ("text", EMPTY) else self.present - int(getattr(self, self.kind))


def look_at(series: AnySeries) -> Values:
    """Return a column's distinct values with their kinds."""
    if isinstance(series.dtype, pd.ArrowDtype) and pa.types.is_nested(series.dtype.pyarrow_dtype):
        series = series.astype(object)
    codes, index = pd.factorize(as_text(series) if series.dtype == object else series)
    distinct = pd.Series(index)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct)).astype(np.int64)
    texts = [str(value) for value in distinct]
    kinds, numbers = _convert(distinct) if _is_typed(distinct) else _read(texts)
    return Values(codes=codes, counts=counts, texts=texts, kinds=kinds, numbers=numbers)


def as_text(series: AnySeries) -> AnySeries:
    """Return a column of objects (Parquet's decimals, dates and lists) as text; missing values stay missing."""
    if pd.api.types.infer_dtype(series, skipna=True) in ("string", "empty"):
        return series
    return series.astype(str).where(series.notna(), None)


def _is_typed(distinct: AnySeries) -> bool:
    dtype = distinct.dtype
    return (
        pd.api.types.is_bool_dtype(dtype)
        or pd.api.types.is_numeric_dtype(dtype)
        or pd.api.types.is_datetime64_any_dtype(dtype)
    )


def _convert(distinct: AnySeries) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
    if pd.api.types.is_bool_dtype(distinct.dtype):
        kind, numbers = "boolean", np.asarray(distinct, dtype=np.float64)
    elif pd.api.types.is_datetime64_any_dtype(distinct.dtype):
        kind, numbers = "time", _seconds(distinct)
    else:
        kind = "integer" if pd.api.types.is_integer_dtype(distinct.dtype) else "number"
        numbers = np.asarray(distinct, dtype=np.float64)
    return np.full(len(numbers), kind, dtype="U7"), numbers


def _read(texts: list[str]) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
    kinds = np.full(len(texts), "text", dtype="U7")
    if not texts:
        return kinds, np.empty(0)
    strings = np.array(texts, dtype=object)
    arrow = pa.array(texts, pa.string())

    def like(pattern: str) -> npt.NDArray[np.bool_]:
        matched = pc.match_substring_regex(arrow, f"^(?:{pattern})$")
        return np.asarray(matched.to_numpy(zero_copy_only=False), dtype=np.bool_)

    numbers = np.asarray(pd.to_numeric(strings, errors="coerce"), dtype=np.float64)
    numbers[like(_CODE)] = np.nan
    kinds[~np.isnan(numbers)] = "number"
    kinds[~np.isnan(numbers) & like(_WHOLE)] = "integer"
    logical = like(_LOGICAL)
    kinds[logical] = "boolean"
    numbers[logical] = [text.casefold() == "true" for text in strings[logical]]
    dated = like(_TIME)
    if dated.any():
        numbers[dated] = _read_times(strings[dated])
        kinds[dated & ~np.isnan(numbers)] = "time"
    return kinds, numbers


def _read_times(strings: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    seconds = _seconds(pd.to_datetime(pd.Series(strings), format="ISO8601", errors="coerce", utc=True))
    # pandas counts nanoseconds, which end in 2262; a marker such as 9999-12-31 is a time too.
    for place in np.flatnonzero(np.isnan(seconds)):
        try:
            time = datetime.fromisoformat(strings[place])
        except ValueError:
            continue
        seconds[place] = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return seconds


def _seconds(times: AnySeries) -> npt.NDArray[np.float64]:
    """Return seconds since 1970 in UTC, NaN for missing times. A time without a zone is taken as UTC."""
    stamps = pa.Array.from_pandas(times)
    # A date has no zone.
    exact = pc.cast(stamps, pa.timestamp("us", getattr(stamps.type, "tz", None)), safe=False)
    microseconds = pc.cast(pc.cast(exact, pa.int64()), pa.float64(), safe=False)
    return np.asarray(microseconds.to_numpy(zero_copy_only=False), dtype=np.float64) / 1e6
