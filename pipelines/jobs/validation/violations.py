"""What is wrong with a dataset's rows: rules broken, how often, where, and a few examples.

An example holds values of rows. It may be shown to a person or lie where a run's files can be erased; ``to_record`` is
what may be kept for ever, and holds none.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EXAMPLES = 5
FILES = 10
"""How many files a violation names; it counts the others."""
SHOWN_CHARACTERS = 60
TABLE = "(table)"
"""Stands for the column in a violation of the table as a whole."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row that breaks a rule. ``row`` counts the file's rows from 1, without the header."""

    file: str
    row: int
    values: dict[str, str | None]

    def __str__(self) -> str:
        cells = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.file} row {self.row}: {cells}"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule. ``files`` holds the count of each file that breaks it."""

    column: str
    rule: str
    count: int
    detail: str
    files: dict[str, int]
    examples: tuple[Example, ...] = ()

    def __str__(self) -> str:
        where = f" ({self.count} rows in {_named(self.files)})" if self.files else ""
        return f"{self.column}: {self.detail}{where}"

    def to_record(self) -> dict[str, Any]:
        """What may be kept for ever: no values of rows."""
        return {
            "column": self.column,
            "rule": self.rule,
            "count": self.count,
            "detail": self.detail,
            "files": dict(list(self.files.items())[:FILES]),
            "more_files": max(0, len(self.files) - FILES),
        }


class Tally:
    """Gathers violations over the pieces of all files; one per column and rule."""

    def __init__(self) -> None:
        self._details: dict[tuple[str, str], str] = {}
        self._files: dict[tuple[str, str], Counter[str]] = {}
        self._examples: dict[tuple[str, str], list[Example]] = {}

    def add(
        self, column: str, rule: str, detail: str, *, file: str = "", count: int, examples: Sequence[Example] = ()
    ) -> None:
        if not count:
            return
        key = (column, rule)
        self._details.setdefault(key, detail)
        self._files.setdefault(key, Counter())[file] += count
        kept = self._examples.setdefault(key, [])
        kept.extend(examples[: EXAMPLES - len(kept)])

    def wants(self, column: str, rule: str) -> int:
        """How many more examples of this are kept."""
        return EXAMPLES - len(self._examples.get((column, rule), ()))

    def violations(self, order: Sequence[str]) -> list[Violation]:
        """All of them, the columns in ``order``, what is across columns last."""
        place = {name: number for number, name in enumerate([TABLE, *order])}
        found = [
            Violation(
                column=column,
                rule=rule,
                count=files.total(),
                detail=self._details[column, rule],
                files={file: count for file, count in files.items() if file},
                examples=tuple(self._examples[column, rule]),
            )
            for (column, rule), files in self._files.items()
        ]
        return sorted(found, key=lambda violation: place.get(violation.column, len(place)))


def _named(files: dict[str, int]) -> str:
    names = list(files)
    return names[0] if len(names) == 1 else f"{len(names)} files, the first {names[0]}"
