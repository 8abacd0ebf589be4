"""Check of a dataset's files against a contract, the same in the processing job and on a laptop.

>>> import tempfile
>>> from datetime import UTC
>>> from pipelines.jobs.validation.data_contract.contract import read_contract
>>> folder = Path(tempfile.mkdtemp())
>>> pd.DataFrame({"temp": [70, 131, 140]}).to_csv(folder / "rows.csv", index=False)
>>> rules = "{min_rows: 1, columns: {temp: {role: feature, type: number, max: 130}}}"
>>> (folder / "contract.yaml").write_text(rules) > 0
True
>>> contract = read_contract(folder / "contract.yaml")
>>> checked = check_files({"rows.csv": folder / "rows.csv"}, contract, reference=datetime(2013, 2, 1, tzinfo=UTC))
>>> checked.outcome, [str(violation) for violation in checked.violations]
('failed', ['temp: above 130 (2 rows in rows.csv)'])
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from pipelines.interface.codec import Json, to_json
from pipelines.interface.records import FreshnessRecord, ValidationReport
from pipelines.jobs.validation.data_contract.contract import DataContract
from pipelines.jobs.validation.schema import MISSING, RowRules
from pipelines.jobs.validation.table import TableRules
from pipelines.jobs.validation.violations import ExamplesReport, Tally, Violation
from pipelines.tables.reading import BLOCK_BYTES, read_chunks, read_columns

_OF_A_COMMIT = {"format", "commit", "tree", "training", "holdout", "unlabelled"}
"""Fields of a ``ValidationReport`` that say nothing about files outside a commit."""


@dataclass(frozen=True, kw_only=True)
class ContractReport:
    """Result of a check; ``rules`` is the number of the contract's rules.

    ``files_with_other_columns`` have other columns than the first file, including columns that the contract lacks.
    """

    files: int
    rows: int
    rules: int
    violations: tuple[Violation, ...]
    freshness: FreshnessRecord | None
    files_with_other_columns: tuple[str, ...]
    contract_sha256: str

    @property
    def outcome(self) -> str:
        return "failed" if self.violations else "passed"

    def to_record(self, *, commit: str, tree: str) -> ValidationReport:
        """Return the report of a commit, not yet split; it holds no values of rows."""
        return ValidationReport(
            commit=commit,
            tree=tree,
            outcome=self.outcome,
            contract_sha256=self.contract_sha256,
            files=self.files,
            rows=self.rows,
            rules=self.rules,
            violations=tuple(violation.to_record() for violation in self.violations),
            freshness=self.freshness,
            files_with_other_columns=self.files_with_other_columns,
        )

    def examples(self) -> ExamplesReport:
        """Return examples of the rows that break a rule: for a person, or for a place where they can be erased."""
        return ExamplesReport(
            examples=tuple(example for violation in self.violations for example in violation.example_records())
        )

    def to_document(self) -> dict[str, Json]:
        """Return the report of files outside a commit as JSON, with examples."""
        report = to_json(self.to_record(commit="", tree=""))
        kept = {name: value for name, value in report.items() if name not in _OF_A_COMMIT}
        return {**kept, "examples": to_json(self.examples())["examples"]}


def check_files(
    files: Mapping[str, Path],
    contract: DataContract,
    *,
    reference: datetime,
    on_rows: Callable[[str, pd.DataFrame], None] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> ContractReport:
    """Check all rows of all files.

    ``files`` maps each logical name, which says the format, to the path of its bytes. ``reference`` is the commit's
    time: freshness is counted back from it. ``on_rows`` is called with each piece's file and typed rows. Memory holds
    one piece of a file and 8 bytes for each distinct value of each key.

    Raises
    ------
    UnreadableFileError
        A file is not of the format that its name says.
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
        for chunk in read_chunks(path, name, columns=list(contract.columns), block_bytes=block_bytes):
            typed = rules.check(chunk, tally)
            table.add(chunk, typed, tally)
            if on_rows:
                on_rows(name, typed)
        if table.rows == begun:
            _note_missing(name, rules, tally)
    freshness = table.judge(reference, tally)
    return ContractReport(
        files=len(files),
        rows=table.rows,
        rules=count_rules(contract),
        violations=tuple(tally.violations(list(contract.columns))),
        freshness=freshness,
        files_with_other_columns=tuple(other),
        contract_sha256=contract.sha256,
    )


def _note_missing(name: str, rules: RowRules, tally: Tally) -> None:
    # A file without rows has no piece to check, but its columns can still be missing.
    for column in rules.missing:
        tally.add(column, "missing", MISSING, file=name, count=1)


def count_rules(contract: DataContract) -> int:
    """Return the number of rules: ``min_rows``, presence and type of each column, and each rule beyond them."""
    of_columns = sum(
        2
        + (not column.nullable)
        + sum(rule is not None for rule in (column.min, column.max, column.allowed, column.max_null_share))
        for column in contract.columns.values()
    )
    return 1 + of_columns + len(contract.keys) + (contract.freshness is not None) + len(contract.rules)
