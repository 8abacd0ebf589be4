"""Measures how each column moved from one version of a dataset to another: profile against profile.

Memory stays bounded: files are read one by one, and a sample of the old version's rows fixes the profiles' bins. All
counts are over all rows. The profiles and their comparison are those of ``pipelines.statistics``, so that a version of
a dataset moves by the same measure as a window of traffic.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipelines.datasets.commits.commits import File
from pipelines.datasets.commits.difference import SchemaDifference, compare_schemas
from pipelines.statistics.category_column import CategoryColumn
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import Profile, Table
from pipelines.tables.reading import UnreadableFileError
from pipelines.views.exploration.kinds import EMPTY, NUMERIC, KindCounts, Values, look_at
from pipelines.views.exploration.profiling import Read
from pipelines.views.exploration.sample import Sample
from pipelines.views.exploration.summary import Summary, Sums

LAYOUT_CELLS = 4_000_000
"""Largest number of the old version's values that fix the bins."""


@dataclass(frozen=True, kw_only=True)
class ColumnMove:
    """One column in both versions. ``kind`` is that of the old version.

    ``effect``, from 0 to 1, and ``psi`` are those of ``pipelines.statistics.comparison``.
    """

    name: str
    kind: str
    effect: float
    psi: float
    old: Summary
    new: Summary

    @property
    def shifted(self) -> str | None:
        """The category whose share changed most; None for numbers."""
        names = list(self.old.shares | self.new.shares)
        return max(
            names, key=lambda name: abs(self.new.shares.get(name, 0) - self.old.shares.get(name, 0)), default=None
        )


@dataclass(frozen=True, kw_only=True)
class Movement:
    """The differences between two versions' rows.

    ``columns`` are the columns of both versions, the most moved first. ``unread`` has the reason by path.
    """

    old_rows: int
    new_rows: int
    schema: SchemaDifference
    columns: tuple[ColumnMove, ...]
    unread: dict[str, str]


@dataclass
class _Version:
    """The counts of one version, or of one of its files."""

    rows: int = 0
    kinds: dict[str, KindCounts] = field(default_factory=dict)
    sums: dict[str, Sums] = field(default_factory=dict)
    profile: Profile | None = None

    def add(self, other: "_Version") -> None:
        self.rows += other.rows
        for name, counts in other.kinds.items():
            self.kinds[name] = self.kinds.get(name, KindCounts()) + counts
        for name, sums in other.sums.items():
            self.sums[name] = self.sums.get(name, Sums()) + sums
        if other.profile:
            self.profile = self.profile.merge(other.profile) if self.profile else other.profile


def compare_columns(old: Sequence[File], new: Sequence[File], read: Read) -> Movement:
    """Compare the rows of two versions' files. Each distinct content is read twice, however often it is used.

    Files that are no tables are left out, and named in ``unread``.
    """
    old_uses, new_uses = (Counter(file.sha256 for file in files) for files in (old, new))
    files = {file.sha256: file for file in (*old, *new)}
    sample = Sample(LAYOUT_CELLS)
    looked: dict[str, _Version] = {}
    unread = {}
    for digest, file in files.items():
        try:
            looked[digest] = _look(read(file), sample if digest in old_uses else None)
        except UnreadableFileError as error:
            unread[file.path] = str(error)
    before, after = _sum(looked, old_uses), _sum(looked, new_uses)
    old_kinds, new_kinds = ({name: counts.kind for name, counts in side.kinds.items()} for side in (before, after))
    shared = {name: kind for name, kind in old_kinds.items() if kind != EMPTY and name in new_kinds}
    columns: tuple[ColumnMove, ...] = ()
    if shared and before.rows and after.rows:
        layout = _layout(sample.frame(), shared)
        counted = {digest: _count(read(files[digest]), layout, shared) for digest in looked}
        columns = _rank(shared, _sum(counted, old_uses), _sum(counted, new_uses))
    return Movement(
        old_rows=before.rows,
        new_rows=after.rows,
        schema=compare_schemas(old_kinds, new_kinds),
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


def _table(values: Mapping[str, Values], kinds: Mapping[str, str]) -> Table:
    """Return columns as a profile counts them: numbers and times as numbers, the others as text."""
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
        sums = {name: Sums.of(values.get(name), len(part), kind) for name, kind in kinds.items()}
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
