"""Profiles a dataset before modelling: what each column holds, and how columns go together.

Rows, missing values, kinds and duplicate rows are counted over all rows. Everything else is of a uniform sample, which
is the whole dataset if that has at most ``SAMPLE_CELLS`` values; ``DatasetProfile.sampled`` is its number of rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.datasets.commits.commits import File
from pipelines.tables.reading import UnreadableFileError
from pipelines.views.exploration.distribution import Histogram, Numbers, describe, histogram
from pipelines.views.exploration.kinds import NUMERIC, KindCounts, Values, look_at
from pipelines.views.exploration.periods import Periods
from pipelines.views.exploration.sample import Sample

SAMPLE_CELLS = 10_000_000
TOP = 10
STRAYS = 5
SAMPLE_ROWS = 8
MAX_CORRELATED = 30
"""Largest number of columns whose correlations are kept: those with the strongest correlation to another column."""

Read = Callable[[File], Iterator[pd.DataFrame]]
"""Function that yields a file's rows in parts; raises ``UnreadableFileError``."""


class NoTableError(ValueError):
    """No file is a table with rows."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column. ``kind``, ``missing``, ``absent`` and ``stray_count`` are of all rows, all else is of the sample.

    ``absent`` rows are in files without the column; they are also counted as missing. ``top`` are the most frequent
    values and ``strays`` examples of values that are not of the column's kind, each with its count. ``variants`` are
    groups of values that differ in case or spaces only. ``over_time`` has one number for each period; ``over_time_of``
    names it: ``median``, ``mean`` (where the median never moves) or ``share`` of the most frequent value.
    """

    name: str
    kind: str
    missing: int
    absent: int
    distinct: int
    present: int
    top: tuple[tuple[str, int], ...]
    stray_count: int
    strays: tuple[tuple[str, int], ...]
    variants: tuple[tuple[str, ...], ...]
    numbers: Numbers | None
    histogram: Histogram | None
    over_time_of: str
    over_time: tuple[float | None, ...]
    missing_over_time: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Correlations:
    """Spearman's rank correlations of the numeric ``columns``: a symmetric matrix, with None where undefined."""

    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class DatasetProfile:
    """The profile of a dataset. ``rows`` counts all rows, ``sampled`` those of the sample.

    ``periods`` are names with their numbers of rows. ``sample`` are a few rows, as text. ``unread`` has the reason by
    path.
    """

    rows: int
    files: int
    size_bytes: int
    sampled: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    time_column: str | None
    periods: tuple[tuple[str, int], ...]
    correlations: Correlations
    sample: tuple[tuple[str | None, ...], ...]
    unread: dict[str, str]

    @property
    def missing_share(self) -> float:
        return sum(column.missing for column in self.columns) / max(self.rows * len(self.columns), 1)


@dataclass
class _Counts:
    """The counts over all rows, file by file."""

    rows: int = 0
    kinds: dict[str, KindCounts] = field(default_factory=dict)
    absent: Counter[str] = field(default_factory=Counter)
    hashes: list[npt.NDArray[np.uint64]] = field(default_factory=list)

    def add(self, part: pd.DataFrame) -> None:
        names = [str(name) for name in part]
        for name in names:
            if name not in self.kinds:
                self.kinds[name] = KindCounts(missing=self.rows)
                self.absent[name] = self.rows
            self.kinds[name] += look_at(part[name]).count_kinds()
        for name in self.kinds.keys() - set(names):
            self.kinds[name] += KindCounts(missing=len(part))
            self.absent[name] += len(part)
        # Columns are in one order, so that a row has the same hash in every file; other columns give another hash.
        ordered = sorted(names)
        of_names = pd.util.hash_array(np.array(["\n".join(ordered)], dtype=object))
        self.hashes.append(pd.util.hash_pandas_object(part[ordered], index=False).to_numpy() ^ of_names)
        self.rows += len(part)

    def duplicates(self) -> int:
        return self.rows - len(np.unique(np.concatenate(self.hashes)))


def profile(files: Iterable[File], read: Read) -> DatasetProfile:
    """Profile the tables of ``files``, read one after the other.

    An unreadable file is left out, and named in ``unread``; the rows before the place where a file breaks off count.

    Raises
    ------
    NoTableError
        No file has a row.
    """
    counted = _Counts()
    sample = Sample(SAMPLE_CELLS)
    unread, tables, size_bytes = {}, 0, 0
    for file in files:
        before = counted.rows
        try:
            for part in read(file):
                counted.add(part)
                sample.add(part)
        except UnreadableFileError as error:
            known = f"after {counted.rows - before:,} rows: " if counted.rows > before else ""
            unread[file.path] = f"{known}{error}"
            continue
        tables += 1
        size_bytes += file.size_bytes
    if not counted.rows:
        reasons = "; ".join(unread.values()) or "there are no files"
        raise NoTableError(f"there is no row to profile: {reasons}")
    rows = sample.frame()
    kinds = {name: counts.kind for name, counts in counted.kinds.items()}
    periods = Periods.of({name: look_at(rows[name]).column("time") for name, kind in kinds.items() if kind == "time"})
    columns, numeric = [], {}
    # One column at a time: its distinct values take more memory than its sample.
    for name, counts in counted.kinds.items():
        values = look_at(rows[name])
        columns.append(_column(name, values, counts, counted.absent[name], periods))
        if counts.kind in NUMERIC:
            numeric[name] = values.column(counts.kind)
    return DatasetProfile(
        rows=counted.rows,
        files=tables,
        size_bytes=size_bytes,
        sampled=len(rows),
        duplicates=counted.duplicates(),
        columns=tuple(columns),
        time_column=periods.column if periods else None,
        periods=tuple(zip(periods.labels, periods.count(), strict=True)) if periods else (),
        correlations=correlate(numeric),
        sample=_sample_rows(rows),
        unread=unread,
    )


def _column(name: str, values: Values, counts: KindCounts, absent: int, periods: Periods | None) -> ColumnProfile:
    kind = counts.kind
    order = np.argsort(-values.counts, kind="stable")
    fits = np.isin(values.kinds, NUMERIC) if kind in NUMERIC else values.kinds == kind
    odd = [index for index in order[: len(order) if counts.strays else 0] if not fits[index]]
    numeric = kind in (*NUMERIC, "time")
    # For categories: whether a row has the most frequent value.
    column = values.column(kind) if numeric else np.where(values.codes < 0, np.nan, np.isin(values.codes, order[:1]))
    over_time_of = "median" if numeric else "share"
    over_time = periods.of_each(column, "median" if numeric else "mean") if periods else ()
    if numeric and periods and len(set(over_time)) == 1:
        over_time_of, over_time = "mean", periods.of_each(column, "mean")
    return ColumnProfile(
        name=name,
        kind=kind,
        missing=counts.missing,
        absent=absent,
        distinct=len(values.texts),
        present=int(values.counts.sum()),
        top=tuple((values.texts[index], int(values.counts[index])) for index in order[:TOP]),
        stray_count=counts.strays,
        strays=tuple((values.texts[index], int(values.counts[index])) for index in odd[:STRAYS]),
        variants=_variants(values.texts) if kind == "text" else (),
        numbers=describe(column) if numeric else None,
        histogram=histogram(column, whole=kind == "integer") if numeric else None,
        over_time_of=over_time_of,
        over_time=over_time,
        missing_over_time=periods.of_each((values.codes < 0).astype(np.float64), "mean") if periods else (),
    )


def _variants(texts: list[str]) -> tuple[tuple[str, ...], ...]:
    """Return groups of values that differ in case or spaces only."""
    alike: dict[str, list[str]] = {}
    for text in texts:
        alike.setdefault(" ".join(text.casefold().split()), []).append(text)
    return tuple(tuple(sorted(found)) for found in alike.values() if len(found) > 1)


def correlate(columns: dict[str, npt.NDArray[np.float64]]) -> Correlations:
    """Return the correlations of at most ``MAX_CORRELATED`` columns, each over the rows that have both values.

    Each column is ranked once over all of its values, also those of rows in which the other column is missing.
    """
    varying = {name: values for name, values in columns.items() if len(np.unique(values[np.isfinite(values)])) > 1}
    ranks = pd.DataFrame({name: pd.Series(v).where(np.isfinite(v)).rank() for name, v in varying.items()})
    found = ranks.corr(min_periods=3)
    if len(found) > MAX_CORRELATED:
        strength = found.abs().where(~np.eye(len(found), dtype=bool)).max()
        kept = set(strength.nlargest(MAX_CORRELATED).index)
        names = [name for name in found if name in kept]
        found = found.loc[names, names]
    return Correlations(
        columns=tuple(map(str, found)),
        values=tuple(tuple(None if np.isnan(v) else float(v) for v in row) for row in found.to_numpy()),
    )


def _sample_rows(rows: pd.DataFrame) -> tuple[tuple[str | None, ...], ...]:
    """Return rows spread evenly over the sample, as text."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, SAMPLE_ROWS).astype(int))
    shown = rows.iloc[chosen]
    return tuple(
        tuple(None if pd.isna(value) else str(value) for value in row)
        for row in shown.itertuples(index=False, name=None)
    )
