"""Samples a table's rows uniformly, in bounded memory, and alike in every run; the rows arrive in parts."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.views.exploration.kinds import AnySeries, as_text

MIN_ROWS = 1000
SEED = 20130101
SLACK = 1.25
"""Factor by which the sample may exceed its size before it is cut back."""


class Sample:
    """A sample of at most ``cells`` values: the fewer columns, the more rows, but never fewer than ``MIN_ROWS``.

    Rows keep their order, and all are kept while they are few enough. Every row draws a number when it arrives; the
    rows with the smallest numbers stay.
    """

    def __init__(self, cells: int) -> None:
        self.rows_seen = 0
        self._cells = cells
        self._random = np.random.default_rng(SEED)
        self._parts: list[pd.DataFrame] = []
        self._drawn: list[npt.NDArray[np.float64]] = []
        self._bound = 1.0

    def add(self, part: pd.DataFrame) -> None:
        drawn = self._random.random(len(part))
        self.rows_seen += len(part)
        kept = drawn <= self._bound
        self._parts.append(_compact(part if kept.all() else part[kept]))
        self._drawn.append(drawn[kept])
        if sum(map(len, self._drawn)) > SLACK * self._rows():
            self._shrink()

    def frame(self) -> pd.DataFrame:
        """Return the sample. In the rows of a part without a column, the column is missing."""
        if not self._parts:
            return pd.DataFrame()
        self._shrink()
        return self._parts[0]

    def _rows(self) -> int:
        columns = max(len(part.columns) for part in self._parts)
        return max(MIN_ROWS, self._cells // max(columns, 1))

    def _shrink(self) -> None:
        drawn = np.concatenate(self._drawn)
        rows = self._rows()
        if len(drawn) > rows:
            self._bound = float(np.partition(drawn, rows - 1)[rows - 1])
            kept = [numbers <= self._bound for numbers in self._drawn]
            self._parts = [part[chosen] for part, chosen in zip(self._parts, kept, strict=True)]
            drawn = drawn[drawn <= self._bound]
        self._parts, self._drawn = [_concatenate(self._parts)], [drawn]


def _compact(part: pd.DataFrame) -> pd.DataFrame:
    """Return a part with its strings in Arrow's form, which takes a fifth of the memory."""
    return part.assign(**{str(name): _as_arrow(part[name]) for name in part.select_dtypes(include="object")})


def _as_arrow(column: AnySeries) -> AnySeries:
    return as_text(column.astype(object)).astype("string[pyarrow]")


def _concatenate(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the parts' rows. A column that a part lacks, or has in another type (CSV beside Parquet), becomes text."""
    columns = {}
    for name in dict.fromkeys(str(name) for part in parts for name in part):
        pieces = [part[name] if name in part else pd.Series([None] * len(part), dtype=object) for part in parts]
        if len({piece.dtype for piece in pieces}) > 1:
            pieces = [_as_arrow(piece) for piece in pieces]
        columns[name] = pd.concat(pieces, ignore_index=True)
    return pd.DataFrame(columns)
