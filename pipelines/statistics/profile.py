"""The mergeable statistical summary of a table.

The reference fixes the *layout*: the edges of each numeric column's bins and the categories of each categorical column.
Profiles of the same layout add up, in any order and grouping, to the profile of all their rows.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.statistics import sample
from pipelines.statistics.category_column import CategoryColumn
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.values import NUMBER, TEXT, TIME, Values

FORMAT = 2
PREDICTION = "prediction"
"""The column that holds the model's output."""

Table = Mapping[str, Values]
Column = NumberColumn | CategoryColumn


class LayoutMismatchError(ValueError):
    """Two profiles whose columns, edges or categories differ cannot be added or compared."""


class UnknownFormatError(ValueError):
    """The document is no profile of the format that this code reads."""


@dataclass(kw_only=True)
class Profile:
    """``unexpected`` are some columns that came without being in the layout, with their rows."""

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
        """The profile of a table that comes in chunks of rows, each a mapping of a column's name to its values.

        With ``like``, columns are counted on that profile's layout and memory does not grow with the chunks. Without,
        the chunks together are the reference: they are gathered first, and their quantiles and categories become the
        layout; columns that are none of ``categories``, ``texts`` and ``times`` are numbers.

        Examples
        --------
        >>> reference = Profile.of([{"age": [30, 40]}, {"age": [50]}])
        >>> reference.rows, reference.columns["age"].counts.tolist()
        (3, [0, 1, 1, 1, 0])
        """
        parts = list(chunks) if like is None else chunks
        profile = (
            laid_out(list(parts), categories=categories, texts=texts, times=times) if like is None else like.empty()
        )
        for table in parts:
            profile.add(len(next(iter(table.values()), ())), table)
        return profile

    def empty(self) -> "Profile":
        """A profile of the same layout without rows."""
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
        """The profile of both profiles' rows.

        Raises
        ------
        LayoutMismatchError
            They are of different layouts.
        """
        check_layout(self, other)
        columns: dict[str, Column] = {}
        for name, column in self.columns.items():
            columns[name] = column + other.columns[name]  # type: ignore[operator]
        return Profile(
            rows=self.rows + other.rows, columns=columns, unexpected=sample.merge(self.unexpected, other.unexpected)
        )

    def to_document(self) -> dict[str, Any]:
        columns = {name: column.to_document() for name, column in self.columns.items()}
        return {"format": FORMAT, "rows": self.rows, "columns": columns, "unexpected": self.unexpected}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Profile":
        """The profile that ``to_document`` wrote.

        Raises
        ------
        UnknownFormatError
            It is of another format.
        """
        if document.get("format") != FORMAT:
            raise UnknownFormatError(f"a profile of format {document.get('format')!r}; this code reads {FORMAT}")
        columns: dict[str, Column] = {
            name: CategoryColumn.from_document(column)
            if column["kind"] == "category"
            else NumberColumn.from_document(column)
            for name, column in document["columns"].items()
        }
        return cls(rows=document["rows"], columns=columns, unexpected=dict(document["unexpected"]))


def check_layout(one: Profile, two: Profile) -> None:
    """Raise ``LayoutMismatchError`` unless both profiles have the same columns, edges and categories."""
    differing = sorted(set(one.columns) ^ set(two.columns)) + [
        name for name in one.columns if name in two.columns and not one.columns[name].same_layout(two.columns[name])
    ]
    if differing:
        raise LayoutMismatchError(f"profiles of different layouts in: {', '.join(differing)}")


def laid_out(
    tables: list[Table], *, categories: Collection[str], texts: Collection[str], times: Collection[str]
) -> Profile:
    """A profile without rows whose layout these tables fix."""
    columns: dict[str, Column] = {}
    for name in tables[0] if tables else ():
        parts = [table[name] for table in tables]
        values = parts[0] if len(parts) == 1 else np.concatenate([np.asarray(part, dtype=object) for part in parts])
        if name in categories:
            columns[name] = CategoryColumn.like(values)
        else:
            columns[name] = NumberColumn.like(values, TEXT if name in texts else TIME if name in times else NUMBER)
    return Profile(columns=columns)
