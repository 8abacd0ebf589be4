"""How each column moved from one version of a dataset to another: profile against profile.

Memory stays bounded: files are read one by one, and of the old version only a sample of rows fixes the profiles' bins.
What is counted is counted over all rows. What the profiles are, and how two of them compare, is the monitoring's: a
version of a dataset moves by the same measure as a window of traffic.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pipelines.data.commits import File
from pipelines.data.difference import SchemaDifference, compare_schemas
from pipelines.data.kinds import EMPTY, NUMERIC, KindCounts, Values, look_at
from pipelines.data.reading import UnreadableFileError
from pipelines.data.sample import Sample
from pipelines.monitoring.category_column import CategoryColumn
from pipelines.monitoring.comparison import compare
from pipelines.monitoring.profile import Profile

LAYOUT_CELLS = 4_000_000
"""Values of the old version from which the bins are made."""

Read = Callable[[File], Iterator[pd.DataFrame]]
"""Gives a file's rows in parts; raises ``UnreadableFileError``."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A column in one version. ``low``, ``mean`` and ``high`` are of finite numbers; times are seconds since 1970.

    ``strays`` are not of the column's kind. ``shares`` are of the categories that the old version lists, in all rows;
    for numbers and times it is empty.
    """

    rows: int
    missing: int
    strays: int
    low: float | None
    mean: float | None
    high: float | None
    shares: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class ColumnMove:
    """``kind`` is the one of the old version. ``effect``, how much changed beyond chance, from 0 to 1, and ``psi`` are
    as ``pipelines.monitoring.comparison`` has them.
    """

    name: str
    kind: str
    effect: float
    psi: float
    old: Summary
    new: Summary

    @property
    def shifted(self) -> str | None:
        """The category whose share changed most, or None for numbers."""
        names = list(self.old.shares | self.new.shares)
        return max(
            names, key=lambda name: abs(self.new.shares.get(name, 0) - self.old.shares.get(name, 0)), default=None
        )


@dataclass(frozen=True, kw_only=True)
class Movement:
    """``columns`` holds those that both versions have, the most moved first; ``unread`` says why, by path."""

    old_rows: int
    new_rows: int
    schema: SchemaDifference
    columns: tuple[ColumnMove, ...]
    unread: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """What a summary is made of; sums of two parts add up."""

    rows: int = 0
    missing: int = 0
    strays: int = 0
    numbers: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            strays=self.strays + other.strays,
            numbers=self.numbers + other.numbers,
            total=self.total + other.total,
            low=min((low for low in (self.low, other.low) if low is not None), default=None),
            high=max((high for high in (self.high, other.high) if high is not None), default=None),
        )

    def to_summary(self, shares: dict[str, float]) -> Summary:
        mean = self.total / self.numbers if self.numbers else None
        return Summary(
            rows=self.rows,
            missing=self.missing,
            strays=self.strays,
            low=self.low,
            mean=mean,
            high=self.high,
            shares=shares,
        )


@dataclass
class _Version:
    """What is known of one version, or of one file of it."""

    rows: int = 0
    kinds: dict[str, KindCounts] = field(default_factory=dict)
    sums: dict[str, _Sums] = field(default_factory=dict)
    profile: Profile | None = None

    def add(self, other: "_Version") -> None:
        self.rows += other.rows
        for name, counts in other.kinds.items():
            self.kinds[name] = self.kinds.get(name, KindCounts()) + counts
        for name, sums in other.sums.items():
            self.sums[name] = self.sums.get(name, _Sums()) + sums
        if other.profile:
            self.profile = self.profile.merge(other.profile) if self.profile else other.profile


def compare_columns(old: Sequence[File], new: Sequence[File], read: Read) -> Movement:
    """Compare the rows of two versions' files. Each distinct content is read twice, wherever it is used.

    Files that are no tables are left out, and named.
    """
    uses = {"old": Counter(file.sha256 for file in old), "new": Counter(file.sha256 for file in new)}
    files = {file.sha256: file for file in (*old, *new)}
    sample = Sample(LAYOUT_CELLS)
    looked: dict[str, _Version] = {}
    unread = {}
    for digest, file in files.items():
        try:
            looked[digest] = _look(read(file), sample if digest in uses["old"] else None)
        except UnreadableFileError as error:
            unread[file.path] = str(error)
    before, after = (_sum(looked, uses[side]) for side in ("old", "new"))
    kinds = {side: {n: c.kind for n, c in found.kinds.items()} for side, found in (("old", before), ("new", after))}
    shared = {name: kind for name, kind in kinds["old"].items() if kind != EMPTY and name in kinds["new"]}
    columns: tuple[ColumnMove, ...] = ()
    if shared and before.rows and after.rows:
        layout = _layout(sample.frame(), shared)
        counted = {digest: _count(read(files[digest]), layout, shared) for digest in looked}
        columns = _rank(shared, *(_sum(counted, uses[side]) for side in ("old", "new")))
    return Movement(
        old_rows=before.rows,
        new_rows=after.rows,
        schema=compare_schemas(kinds["old"], kinds["new"]),
        columns=columns,
        unread=unread,
    )


def _look(parts: Iterable[pd.DataFrame], sample: Sample | None) -> _Version:
    found = _Version()
    for part in parts:
        kinds = {str(name): look_at(part[name]).count_kinds() for name in part}
        found.add(_Version(rows=len(part), kinds=kinds))
        if sample:
            sample.add(part)
    return found


def _sum(found: Mapping[str, _Version], uses: Mapping[str, int]) -> _Version:
    total = _Version()
    for digest, times in uses.items():
        for _ in range(times if digest in found else 0):
            total.add(found[digest])
    return total


def _sums(values: Values | None, rows: int, kind: str) -> _Sums:
    """Those of one part's column; None: the part lacks it."""
    if values is None:
        return _Sums(rows=rows, missing=rows)
    counts = values.count_kinds()
    of_kind = counts.integer + counts.number if kind in NUMERIC else getattr(counts, kind)
    strays = 0 if kind == "text" else counts.present - of_kind
    sums = _Sums(rows=rows, missing=counts.missing, strays=strays)
    numbers = values.column(kind) if kind in (*NUMERIC, "time") else np.empty(0)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return sums
    low, high = float(finite.min()), float(finite.max())
    return replace(sums, numbers=len(finite), total=float(finite.sum()), low=low, high=high)


# -- what the monitoring knows: layouts, profiles, and how far one is from another ------------------------------------


def _table(values: Mapping[str, Values], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Columns as a profile counts them: numbers and times as numbers, the rest as text."""
    return {
        name: found.column(kinds[name])
        if kinds[name] in (*NUMERIC, "time")
        else np.array([*found.texts, None], dtype=object)[found.codes]
        for name, found in values.items()
    }


def _layout(rows: pd.DataFrame, kinds: Mapping[str, str]) -> Profile:
    categorical = [name for name, kind in kinds.items() if kind not in (*NUMERIC, "time")]
    table = _table({name: look_at(rows[name]) for name in kinds}, kinds)
    return Profile.of([table], categories=categorical).empty()


def _count(parts: Iterable[pd.DataFrame], layout: Profile, kinds: Mapping[str, str]) -> _Version:
    found = _Version(profile=layout.empty())
    for part in parts:
        values = {name: look_at(part[name]) for name in kinds if name in part}
        profile = layout.empty()
        profile.add(len(part), _table(values, kinds))
        sums = {name: _sums(values.get(name), len(part), kind) for name, kind in kinds.items()}
        found.add(_Version(rows=len(part), sums=sums, profile=profile))
    return found


def _rank(kinds: Mapping[str, str], old: _Version, new: _Version) -> tuple[ColumnMove, ...]:
    assert old.profile
    assert new.profile
    moves = [
        ColumnMove(
            name=found.name,
            kind=kinds[found.name],
            effect=found.effect,
            psi=found.psi,
            old=old.sums[found.name].to_summary(_shares(old.profile, found.name)),
            new=new.sums[found.name].to_summary(_shares(new.profile, found.name)),
        )
        for found in compare(old.profile, new.profile).columns
    ]
    return tuple(sorted(moves, key=lambda move: (-move.effect, -move.psi, move.name)))


def _shares(profile: Profile, name: str) -> dict[str, float]:
    column = profile.columns[name]
    if not isinstance(column, CategoryColumn):
        return {}
    return {
        category: int(count) / column.rows for category, count in zip(column.categories, column.counts, strict=True)
    }
