"""Violations of a data contract: the broken rules with their counts, files and a few examples.

An example holds values of a row. It may be shown to a person, or be stored where a run's files can be erased. A
``ViolationRecord`` holds no value and may be kept for ever.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.interface.records import FORMAT, ViolationRecord

EXAMPLES = 5
"""Largest number of examples of a violation."""
FILES = 10
"""Largest number of files that a violation names; it counts the others."""
SHOWN_CHARACTERS = 60
"""Largest length of a value in an example."""
TABLE = "(table)"
"""Column of a violation by the table as a whole."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row that breaks a rule. ``row`` counts the file's rows from 1, without the header."""

    file: str
    row: int
    values: Mapping[str, str | None]

    def __str__(self) -> str:
        cells = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.file} row {self.row}: {cells}"


@dataclass(frozen=True, kw_only=True)
class ExampleRecord:
    """An example together with the rule that it breaks."""

    column: str
    rule: str
    file: str
    row: int
    values: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class ExamplesReport:
    """``examples.json``: examples of the rows that break a contract. It holds values of rows."""

    examples: tuple[ExampleRecord, ...]
    format: int = FORMAT


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A broken rule. ``files`` holds the count of each file that breaks it."""

    column: str
    rule: str
    count: int
    detail: str
    files: dict[str, int]
    examples: tuple[Example, ...] = ()

    def __str__(self) -> str:
        where = f" ({self.count} rows in {_named(self.files)})" if self.files else ""
        return f"{self.column}: {self.detail}{where}"

    def to_record(self) -> ViolationRecord:
        """Return the violation without its examples."""
        return ViolationRecord(
            column=self.column,
            rule=self.rule,
            count=self.count,
            detail=self.detail,
            files=dict(list(self.files.items())[:FILES]),
            more_files=max(0, len(self.files) - FILES),
        )

    def example_records(self) -> list[ExampleRecord]:
        return [
            ExampleRecord(column=self.column, rule=self.rule, file=each.file, row=each.row, values=each.values)
            for each in self.examples
        ]


class Tally:
    """Counter of violations over the pieces of all files; there is one violation for each column and rule."""

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
        """Return the number of examples of a violation that are still kept."""
        return EXAMPLES - len(self._examples.get((column, rule), ()))

    def violations(self, order: Sequence[str]) -> list[Violation]:
        """Return all violations in the ``order`` of their columns; those of several columns come last."""
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
