"""A contract's rules of single rows as a pandera schema; pandera's findings become counts and examples.

pandera judges each piece of a file lazily: all failures of a piece at once. The rules of the whole table (number of
rows, shares, keys, freshness) are in pipelines/jobs/validation/table.py.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.jobs.validation.data_contract.contract import Column, DataContract
from pipelines.jobs.validation.data_contract.rules import Rule
from pipelines.jobs.validation.typed import Series, to_type
from pipelines.jobs.validation.violations import SHOWN_CHARACTERS, Example, Tally
from pipelines.tables.reading import Chunk

with warnings.catch_warnings():
    # jsii, which the CDK needs in the same environment, requires an old typeguard, and pandera warns of it at import.
    # An old typeguard checks generic types less well, but no schema here has one.
    warnings.filterwarnings("ignore", message="Using typeguard < 3", category=UserWarning)
    import pandera.pandas as pa
    from pandera.errors import SchemaError, SchemaErrors

DTYPES = {"category": "object", "number": "float64", "integer": "float64", "time": "datetime64[ns]"}
UNREADABLE = "\0unreadable "
"""Prefix of a typed column's companion, which is true where the file's value is not of the type."""

MISSING = "the column is missing"

Mask = npt.NDArray[np.bool_]


class UnjudgedRuleError(RuntimeError):
    """A check of pandera neither passed nor failed."""


class RowRules:
    """Rules of single rows, for files with certain ``columns``."""

    def __init__(self, contract: DataContract, columns: Sequence[str]) -> None:
        self._contract = contract
        self.present = [name for name in contract.columns if name in set(columns)]
        self.missing = [name for name in contract.columns if name not in set(columns)]
        self._rules = [rule for rule in contract.rules if set(rule.columns) <= set(self.present)]
        typed = {name: pa.Column(DTYPES[column.type], nullable=True) for name, column in contract.columns.items()}
        typed |= {name: _column(contract.columns[name]) for name in self.present}
        readable = {
            UNREADABLE + name: pa.Column("bool", checks=[pa.Check(np.logical_not, name="type", n_failure_cases=1)])
            for name in self.present
        }
        across = [pa.Check(_holds(rule), name=rule.name, n_failure_cases=1) for rule in self._rules]
        self._schema = pa.DataFrameSchema({**typed, **readable}, checks=across)

    def check(self, chunk: Chunk, tally: Tally) -> pd.DataFrame:
        """Return the piece's typed rows; count violations in ``tally``."""
        cells: dict[str, Series | Mask] = {}
        for name in self.present:
            kind = self._contract.columns[name].type
            cells[name], cells[UNREADABLE + name] = to_type(chunk.rows.column(name), kind, text=chunk.text)
        frame = pd.DataFrame(cells, index=pd.RangeIndex(chunk.rows.num_rows))
        try:
            self._schema.validate(frame, lazy=True, inplace=True)
        except SchemaErrors as errors:
            for error in errors.schema_errors:
                self._note(error, frame, chunk, tally)
        return frame[self.present]

    def _note(self, error: SchemaError, frame: pd.DataFrame, chunk: Chunk, tally: Tally) -> None:
        builtin = isinstance(error.check, str)
        name = error.check if builtin else str(error.check.name)
        if builtin and name == "column_in_dataframe":
            tally.add(error.failure_cases, "missing", MISSING, file=chunk.file, count=len(frame))
            return
        if error.schema.name is None:
            rule = next(rule for rule in self._rules if rule.name == name)
            every = np.ones(len(frame), dtype=bool)
            bad = _broken(error, every)
            self._add(tally, chunk, bad, ", ".join(rule.columns), name, f"breaks {rule.text}", rule.columns)
            return
        column = str(error.schema.name).removeprefix(UNREADABLE)
        rules = self._contract.columns[column]
        if builtin and name == "not_nullable":
            bad, rule_name = frame[column].isna().to_numpy() & ~frame[UNREADABLE + column].to_numpy(), "nullable"
        else:
            judged = UNREADABLE + column if name == "type" else column
            bad, rule_name = _broken(error, frame[judged].notna().to_numpy()), name
        self._add(tally, chunk, bad, column, rule_name, _detail(rules, rule_name, chunk, column), (column,))

    def _add(
        self, tally: Tally, chunk: Chunk, bad: Mask, column: str, rule: str, detail: str, shown: Sequence[str]
    ) -> None:
        wanted = np.flatnonzero(bad)[: tally.wants(column, rule)]
        examples = list(examples_of(chunk, wanted, shown))
        tally.add(column, rule, detail, file=chunk.file, count=int(bad.sum()), examples=examples)


def examples_of(chunk: Chunk, positions: npt.NDArray[np.int_], columns: Sequence[str]) -> Iterator[Example]:
    """Yield the rows at ``positions`` of a piece as examples."""
    for position in positions:
        cells = {name: chunk.rows.column(name)[int(position)].as_py() for name in columns}
        yield Example(
            file=chunk.file,
            row=chunk.first_row + int(position),
            values={name: None if cell is None else str(cell)[:SHOWN_CHARACTERS] for name, cell in cells.items()},
        )


def _column(column: Column) -> pa.Column:
    checks = []
    if column.min is not None:
        checks.append(pa.Check.ge(column.min, name="min", n_failure_cases=1))
    if column.max is not None:
        checks.append(pa.Check.le(column.max, name="max", n_failure_cases=1))
    if column.allowed is not None:
        checks.append(pa.Check.isin(list(column.allowed), name="allowed", n_failure_cases=1))
    return pa.Column(DTYPES[column.type], checks=checks, nullable=column.nullable)


def _holds(rule: Rule) -> Callable[[pd.DataFrame], Series]:
    return lambda frame: pd.Series(~rule.broken(frame), index=frame.index)


def _broken(error: SchemaError, judged: Mask) -> Mask:
    """Return a mask of the rows that fail a check; pandera answers for the ``judged`` rows, not for missing values."""
    if error.check_output is None or len(error.check_output) != judged.sum():
        # pandera's own message quotes rows.
        raise UnjudgedRuleError(f"pandera could not judge {error.check}: {error.reason_code}")
    bad = np.zeros(len(judged), dtype=bool)
    bad[judged] = ~np.asarray(error.check_output, dtype=bool)
    return bad


def _detail(column: Column, rule: str, chunk: Chunk, name: str) -> str:
    if rule == "type":
        stored = "" if chunk.text else f": stored as {chunk.rows.schema.field(name).type}"
        return f"not readable as {column.type}{stored}"
    if rule == "nullable":
        return "empty, and the contract allows no empty value"
    if rule == "allowed":
        return f"not one of {', '.join(map(str, column.allowed or ()))}"
    word, bound = ("below", column.min) if rule == "min" else ("above", column.max)
    return f"{word} {bound:g}" if isinstance(bound, float) else f"{word} {bound}"
