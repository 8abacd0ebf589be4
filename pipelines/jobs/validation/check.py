"""A dataset's files against a contract: the same code in the processing job and on a laptop.

>>> from pathlib import Path
>>> checked = check_files({"rows.csv": Path("rows.csv")}, contract, reference=commit_time)  # doctest: +SKIP
>>> checked.outcome, [str(violation) for violation in checked.violations]  # doctest: +SKIP
('failed', ['temp: above 130 (2 rows in rows.csv)'])
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.jobs.validation.data_contract.contract import DataContract
from pipelines.jobs.validation.schema import MISSING, RowRules
from pipelines.jobs.validation.table import FreshnessFound, TableRules
from pipelines.jobs.validation.violations import Tally, Violation
from pipelines.tables.reading import read_chunks, read_columns


@dataclass(frozen=True, kw_only=True)
class ContractReport:
    """What was found; ``files_with_other_columns`` have other columns than the first file, unused ones included."""

    files: int
    rows: int
    rules: int
    """How many rules the contract has, each counted once."""
    violations: tuple[Violation, ...]
    freshness: FreshnessFound | None
    files_with_other_columns: tuple[str, ...]
    contract_sha256: str

    @property
    def outcome(self) -> str:
        return "failed" if self.violations else "passed"

    def to_record(self) -> dict[str, Any]:
        """What may be kept for ever: counts, columns and rules, no values of rows."""
        return {
            "outcome": self.outcome,
            "contract_sha256": self.contract_sha256,
            "files": self.files,
            "rows": self.rows,
            "rules": self.rules,
            "violations": [violation.to_record() for violation in self.violations],
            "freshness": self.freshness.to_record() if self.freshness else None,
            "files_with_other_columns": list(self.files_with_other_columns),
        }

    def to_examples(self) -> list[dict[str, Any]]:
        """Rows that break a rule: only for where they can be erased, or for a person's eyes."""
        return [
            {
                "column": violation.column,
                "rule": violation.rule,
                "file": example.file,
                "row": example.row,
                "values": example.values,
            }
            for violation in self.violations
            for example in violation.examples
        ]


def check_files(
    files: Mapping[str, Path],
    contract: DataContract,
    *,
    reference: datetime,
    on_rows: Callable[[str, pd.DataFrame], None] | None = None,
) -> ContractReport:
    """Check all rows of all files; ``files`` maps logical names, which say the format, to where the bytes lie.

    ``reference`` is the time of the commit: freshness is counted back from it. ``on_rows`` is given each piece's file
    and typed rows. Memory holds one piece of a file and 8 bytes for each distinct value of each key.

    Raises
    ------
    UnreadableFileError
        A file is not what its name says.
    """
    tally, table = Tally(), TableRules(contract)
    by_columns: dict[frozenset[str], RowRules] = {}
    first: frozenset[str] | None = None
    other = []
    for name, path in files.items():
        columns = frozenset(read_columns(path, name))
        first = columns if first is None else first
        if columns != first:
            other.append(name)
        if columns not in by_columns:
            by_columns[columns] = RowRules(contract, sorted(columns))
        rules = by_columns[columns]
        begun = table.rows
        for chunk in read_chunks(path, name, columns=list(contract.columns)):
            typed = rules.check(chunk, tally)
            table.see(chunk, typed, tally)
            if on_rows:
                on_rows(name, typed)
        if table.rows == begun:
            _note_missing(name, rules, tally)
    found = table.judge(reference, tally)
    return ContractReport(
        files=len(files),
        rows=table.rows,
        rules=count_rules(contract),
        violations=tuple(tally.violations(list(contract.columns))),
        freshness=found,
        files_with_other_columns=tuple(other),
        contract_sha256=contract.sha256,
    )


def _note_missing(name: str, rules: RowRules, tally: Tally) -> None:
    """A file without rows has no piece to judge; its columns are missing none the less."""
    for column in rules.missing:
        tally.add(column, "missing", MISSING, file=name, count=1)


def count_rules(contract: DataContract) -> int:
    """Types, presence and all that is asked besides."""
    of_columns = sum(
        2
        + (not column.nullable)
        + sum(rule is not None for rule in (column.min, column.max, column.allowed, column.max_null_share))
        for column in contract.columns.values()
    )
    return 1 + of_columns + len(contract.keys) + (contract.freshness is not None) + len(contract.rules)
