"""A contract's rules of the whole table: number of rows, shares of empty values, keys and freshness.

They are gathered piece by piece.
"""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.interface.records import FreshnessRecord
from pipelines.jobs.validation.data_contract.contract import DataContract
from pipelines.jobs.validation.schema import examples_of
from pipelines.jobs.validation.violations import TABLE, Tally
from pipelines.tables.reading import Chunk

_DAY = pd.Timedelta(days=1)


class TableRules:
    """Rules of the whole table. Every piece is added once; the judgement follows at the end."""

    def __init__(self, contract: DataContract) -> None:
        self._contract = contract
        self._empty: Counter[str] = Counter()
        self._seen = {key: np.empty(0, dtype=np.uint64) for key in contract.keys}
        self._newest: pd.Timestamp | None = None
        self.rows = 0

    def add(self, chunk: Chunk, typed: pd.DataFrame, tally: Tally) -> None:
        """Add a piece; count rows that repeat an earlier row's key in ``tally``."""
        self.rows += len(typed)
        for name, column in self._contract.columns.items():
            if column.max_null_share is not None and name in typed:
                self._empty[name] += chunk.rows.column(name).null_count
        for key in self._seen:
            if set(key) <= set(typed.columns):
                self._add_key(key, chunk, typed, tally)
        fresh = self._contract.freshness
        if fresh and fresh.column in typed:
            newest = typed[fresh.column].max()
            if not pd.isna(newest) and (self._newest is None or newest > self._newest):
                self._newest = newest

    def _add_key(self, key: tuple[str, ...], chunk: Chunk, typed: pd.DataFrame, tally: Tally) -> None:
        cells = typed[list(key)]
        # As in SQL, a key with a missing value equals no other key.
        positions = np.flatnonzero(cells.notna().all(axis=1).to_numpy())
        hashes = pd.util.hash_pandas_object(cells.iloc[positions], index=False).to_numpy()
        seen = self._seen[key]
        found = np.searchsorted(seen, hashes)
        before = np.zeros(len(hashes), dtype=bool)
        inside = found < len(seen)
        before[inside] = seen[found[inside]] == hashes[inside]
        repeated = before | pd.Series(hashes).duplicated().to_numpy()
        self._seen[key] = _merged(seen, np.unique(hashes[~repeated]))
        column, rows = ", ".join(key), positions[repeated]
        examples = list(examples_of(chunk, rows[: tally.wants(column, "unique")], key))
        tally.add(
            column, "unique", "repeats an earlier row", file=chunk.file, count=int(repeated.sum()), examples=examples
        )

    def judge(self, reference: datetime, tally: Tally) -> FreshnessRecord | None:
        """Count the violations of the whole table; freshness is counted back from ``reference``."""
        contract = self._contract
        if self.rows < contract.min_rows:
            detail = f"{self.rows} rows, fewer than {contract.min_rows}"
            tally.add(TABLE, "min_rows", detail, count=contract.min_rows - self.rows)
        for name, empty in self._empty.items():
            allowed = contract.columns[name].max_null_share or 0.0
            if empty > allowed * self.rows:
                detail = f"{empty / self.rows:.4f} of the values are empty, more than {allowed}"
                tally.add(name, "max_null_share", detail, count=empty)
        return self._judge_freshness(reference, tally)

    def _judge_freshness(self, reference: datetime, tally: Tally) -> FreshnessRecord | None:
        fresh = self._contract.freshness
        if fresh is None:
            return None
        at = pd.Timestamp(reference.astimezone(UTC)).tz_localize(None)
        age = None if self._newest is None else float((at - self._newest) / _DAY)
        if age is None:
            tally.add(fresh.column, "freshness", "no row has a time", count=max(1, self.rows))
        elif age > fresh.max_age_days:
            detail = f"the newest row is {age:.2f} days older than the commit, more than {fresh.max_age_days:g}"
            tally.add(fresh.column, "freshness", detail, count=self.rows)
        return FreshnessRecord(
            column=fresh.column,
            newest=None if self._newest is None else self._newest.isoformat() + "Z",
            reference=at.isoformat() + "Z",
            age_days=age,
            max_age_days=fresh.max_age_days,
        )


def _merged(seen: npt.NDArray[np.uint64], new: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return two sorted arrays as one sorted array."""
    return np.insert(seen, np.searchsorted(seen, new), new)
