"""Profile: the mergeable statistical summary of a table.

The reference fixes the *layout*: the edges of each numeric column's bins and the categories of each categorical column.
Profiles of the same layout add up, in any order and grouping, to the profile of all their rows.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pipelines.statistics import sample
from pipelines.statistics.category_column import CategoryColumn, CategoryColumnDocument
from pipelines.statistics.number_column import NumberColumn, NumberColumnDocument
from pipelines.statistics.values import NUMBER, TEXT, TIME, Values

FORMAT = 2
PREDICTION = "prediction"
"""Name of the column that holds the model's output."""

Table = Mapping[str, Values]
Column = NumberColumn | CategoryColumn


class LayoutMismatchError(ValueError):
    """Two profiles whose columns, edges or categories differ cannot be added or compared."""


class UnknownFormatError(ValueError):
    """The document is no profile of the format that this code reads."""


@dataclass(frozen=True, kw_only=True)
class ProfileDocument:
    """``Profile`` as JSON."""

    format: int
    rows: int
    columns: Mapping[str, NumberColumnDocument | CategoryColumnDocument]
    unexpected: Mapping[str, int]


@dataclass(kw_only=True)
class Profile:
    """Counts of ``rows`` rows by column.

    ``unexpected`` is a sample of the columns that came although the layout lacks them, each with its number of rows;
    see ``sample.keep``.
    """

    rows: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    unexpected: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        chunks: Iterable[Table],
        like: "Profile | None" = None,
        *,
        categories: Collection[str] = (),
        texts: Collection[str] = (),
        times: Collection[str] = (),
    ) -> "Profile":
        """Return the profile of a table in chunks of rows; a chunk maps each column's name to its values.

        With ``like``, the columns are counted on that profile's layout, and memory does not grow with the chunks.
        Without it, the chunks together are the reference: they are gathered first, and their quantiles and categories
        become the layout. Columns outside ``categories``, ``texts`` and ``times`` are numbers.

        Examples
        --------
        >>> reference = Profile.of([{"age": [30, 40]}, {"age": [50]}])
        >>> window = Profile.of([{"age": [41, None]}, {"age": [55], "name": ["x"]}], like=reference)
        >>> age = window.columns["age"]
        >>> window.rows, int(age.counts.sum()), age.missing, window.unexpected
        (3, 2, 1, {'name': 1})
        """
        parts = list(chunks) if like is None else chunks
        profile = (
            laid_out(list(parts), categories=categories, texts=texts, times=times) if like is None else like.empty()
        )
        for table in parts:
            profile.add(len(next(iter(table.values()), ())), table)
        return profile

    def empty(self) -> "Profile":
        """Return a profile of the same layout without rows."""
        return Profile(columns={name: column.empty() for name, column in self.columns.items()})

    def add(self, rows: int, table: Table) -> None:
        """Count ``rows`` more rows. A column that ``table`` lacks is counted as absent."""
        self.rows += rows
        for name, column in self.columns.items():
            if name in table:
                column.add(table[name])
            else:
                column.miss(rows)
        strangers = {name: rows for name in table if name not in self.columns}
        if strangers:
            self.unexpected = sample.merge(self.unexpected, strangers)

    def merge(self, other: "Profile") -> "Profile":
        """Return the profile of both profiles' rows.

        Raises
        ------
        LayoutMismatchError
            The layouts differ.
        """
        check_layout(self, other)
        columns: dict[str, Column] = {}
        for name, column in self.columns.items():
            columns[name] = column + other.columns[name]  # type: ignore[operator]
        return Profile(
            rows=self.rows + other.rows, columns=columns, unexpected=sample.merge(self.unexpected, other.unexpected)
        )

    def to_document(self) -> ProfileDocument:
        return ProfileDocument(
            format=FORMAT,
            rows=self.rows,
            columns={name: column.to_document() for name, column in self.columns.items()},
            unexpected=self.unexpected,
        )

    @classmethod
    def from_document(cls, document: ProfileDocument) -> "Profile":
        columns: dict[str, Column] = {
            name: CategoryColumn.from_document(column)
            if isinstance(column, CategoryColumnDocument)
            else NumberColumn.from_document(column)
            for name, column in document.columns.items()
        }
        return cls(rows=document.rows, columns=columns, unexpected=dict(document.unexpected))


def check_format(document: object) -> None:
    """Raise ``UnknownFormatError`` unless a profile's JSON is of the format that this code reads."""
    found = document.get("format") if isinstance(document, Mapping) else None
    if found != FORMAT:
        raise UnknownFormatError(f"the profile has format {found!r}, this code reads {FORMAT}: train the model again")


def check_layout(one: Profile, two: Profile) -> None:
    """Raise ``LayoutMismatchError`` unless both profiles have the same columns, edges and categories."""
    differing = sorted(set(one.columns) ^ set(two.columns)) + [
        name for name in one.columns if name in two.columns and not one.columns[name].same_layout(two.columns[name])
    ]
    if differing:
        raise LayoutMismatchError(
            f"the profiles have different layouts in {', '.join(differing)}: count both on one reference"
        )


def laid_out(
    tables: list[Table], *, categories: Collection[str], texts: Collection[str], times: Collection[str]
) -> Profile:
    """Return a profile without rows whose layout these tables fix."""
    columns: dict[str, Column] = {}
    for name in tables[0] if tables else ():
        parts = [table[name] for table in tables]
        values = parts[0] if len(parts) == 1 else np.concatenate([np.asarray(part, dtype=object) for part in parts])
        if name in categories:
            columns[name] = CategoryColumn.like(values)
        else:
            columns[name] = NumberColumn.like(values, TEXT if name in texts else TIME if name in times else NUMBER)
    return Profile(columns=columns)
