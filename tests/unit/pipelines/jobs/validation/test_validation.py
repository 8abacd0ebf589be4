"""Check of files against a contract: exactly the broken rules are reported."""

import datetime
import gzip
import json
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.interface.codec import to_json
from pipelines.interface.records import FreshnessRecord
from pipelines.jobs.validation.check import ContractReport, check_files
from pipelines.jobs.validation.data_contract.contract import DataContract, read_contract
from pipelines.jobs.validation.violations import EXAMPLES
from pipelines.tables.reading import BLOCK_BYTES

COMMITTED = datetime.datetime(2013, 2, 1, tzinfo=UTC)
CONTRACT = """\
min_rows: 3
unique: [[day, flight]]
freshness: {column: day, max_age_days: 30}
rules:
  later: landed > day
columns:
  day: {role: record, type: time, min: 2013-01-01}
  landed: {role: record, type: time, nullable: true}
  flight: {role: record, type: integer, min: 1, max: 9999}
  ticket: {role: record, type: category, unique: true}
  origin: {role: feature, type: category, allowed: [EWR, JFK]}
  temp: {role: label, type: number, max: 130, nullable: true, max_null_share: 0.34}
"""
ROWS: list[dict[str, str | None]] = [
    {"day": "2013-01-05", "landed": "2013-01-06", "flight": "1", "ticket": "a", "origin": "EWR", "temp": "30"},
    {"day": "2013-01-06", "landed": None, "flight": "1", "ticket": "b", "origin": "JFK", "temp": None},
    {"day": "2013-01-06", "landed": "2013-01-07", "flight": "2", "ticket": "c", "origin": "JFK", "temp": "-1.5e1"},
]


@pytest.fixture
def contract(tmp_path: Path) -> DataContract:
    return contract_of(tmp_path, CONTRACT)


def contract_of(folder: Path, text: str) -> DataContract:
    (folder / "contract.yaml").write_text(text, encoding="utf-8")
    return read_contract(folder / "contract.yaml")


def check_rows(
    folder: Path, contract: DataContract, *tables: list[dict[str, str | None]], block_bytes: int = BLOCK_BYTES
) -> ContractReport:
    files = {}
    for number, rows in enumerate(tables, start=1):
        files[f"{number}.csv"] = folder / f"{number}.csv"
        pd.DataFrame(rows).to_csv(files[f"{number}.csv"], index=False)
    return check_files(files, contract, reference=COMMITTED, block_bytes=block_bytes)


def broken(checked: ContractReport) -> dict[tuple[str, str], int]:
    return {(violation.column, violation.rule): violation.count for violation in checked.violations}


def changed(row: int, **cells: str | None) -> list[dict[str, str | None]]:
    return [{**given, **cells} if number == row else given for number, given in enumerate(ROWS)]


def test_rows_that_keep_the_contract_pass(tmp_path: Path, contract: DataContract) -> None:
    checked = check_rows(tmp_path, contract, ROWS)
    assert checked.outcome == "passed"
    assert checked.violations == ()
    assert (checked.files, checked.rows) == (1, 3)
    assert checked.contract_sha256 == contract.sha256


@pytest.mark.parametrize(
    ("row", "cells", "column", "rule", "detail"),
    [
        (0, {"day": "2012-12-31"}, "day", "min", "below 2013-01-01 00:00:00"),
        (0, {"day": "yesterday"}, "day", "type", "not readable as time"),
        (0, {"day": "now"}, "day", "type", "not readable as time"),
        (0, {"day": None}, "day", "nullable", "empty, and the contract allows no empty value"),
        (0, {"landed": "2013-01-05"}, "landed, day", "later", "breaks landed > day"),
        (0, {"flight": "0"}, "flight", "min", "below 1"),
        (0, {"flight": "10000"}, "flight", "max", "above 9999"),
        (0, {"flight": "1.5"}, "flight", "type", "not readable as integer"),
        (0, {"flight": "9007199254740993"}, "flight", "type", "not readable as integer"),
        (0, {"flight": "9" * 400}, "flight", "type", "not readable as integer"),
        (0, {"origin": "LGA"}, "origin", "allowed", "not one of EWR, JFK"),
        (0, {"origin": " EWR"}, "origin", "allowed", "not one of EWR, JFK"),
        (0, {"origin": "=HYPERLINK(1)"}, "origin", "allowed", "not one of EWR, JFK"),
        (0, {"origin": "<script>"}, "origin", "allowed", "not one of EWR, JFK"),
        (2, {"ticket": "a"}, "ticket", "unique", "repeats an earlier row"),
        (2, {"flight": "1.0"}, "day, flight", "unique", "repeats an earlier row"),
        (0, {"temp": "131"}, "temp", "max", "above 130"),
        (2, {"temp": "131"}, "temp", "max", "above 130"),
        (2, {"landed": "2013-01-02"}, "landed, day", "later", "breaks landed > day"),
        (0, {"temp": "nan"}, "temp", "type", "not readable as number"),
        (0, {"temp": "inf"}, "temp", "type", "not readable as number"),
        (0, {"temp": "1e999"}, "temp", "type", "not readable as number"),
        (0, {"temp": "0x1F"}, "temp", "type", "not readable as number"),
        (0, {"temp": "1,5"}, "temp", "type", "not readable as number"),
        (0, {"temp": "True"}, "temp", "type", "not readable as number"),
    ],
)
def test_only_the_broken_rule_is_reported(
    tmp_path: Path,
    contract: DataContract,
    row: int,
    cells: dict[str, str | None],
    column: str,
    rule: str,
    detail: str,
) -> None:
    checked = check_rows(tmp_path, contract, changed(row, **cells))
    [violation] = checked.violations
    assert (violation.column, violation.rule, violation.count) == (column, rule, 1)
    assert violation.detail == detail
    [example] = violation.examples
    assert (example.file, example.row) == ("1.csv", row + 1)
    [name] = cells
    assert example.values[name] == (None if cells[name] is None else str(cells[name])[:60])


def test_broken_rules_of_the_whole_table_are_reported(tmp_path: Path, contract: DataContract) -> None:
    assert broken(check_rows(tmp_path, contract, ROWS[:2])) == {
        ("(table)", "min_rows"): 1,
        ("temp", "max_null_share"): 1,
    }
    stale = check_files({"1.csv": tmp_path / "1.csv"}, contract, reference=datetime.datetime(2013, 2, 6, tzinfo=UTC))
    [_, violation, _] = stale.violations
    assert (violation.column, violation.rule) == ("day", "freshness")
    assert violation.detail == "the newest row is 31.00 days older than the commit, more than 30"
    assert stale.freshness == FreshnessRecord(
        column="day",
        newest="2013-01-06T00:00:00Z",
        reference="2013-02-06T00:00:00Z",
        age_days=31.0,
        max_age_days=30.0,
    )


def test_share_of_empty_values_is_of_all_files(tmp_path: Path, contract: DataContract) -> None:
    more = [{**row, "ticket": f"x{number}", "flight": str(50 + number)} for number, row in enumerate(ROWS)]
    gone = [{**row, "temp": None} for row in more[:1]]
    assert broken(check_rows(tmp_path, contract, ROWS, gone)) == {("temp", "max_null_share"): 2}
    assert not check_rows(tmp_path, contract, ROWS, more).violations


def test_keys_are_compared_over_files_and_pieces(tmp_path: Path, contract: DataContract) -> None:
    rows = [{**ROWS[0], "flight": str(1 + number), "ticket": f"t{number}"} for number in range(300)]
    again = [{**rows[number], "ticket": "t0"} for number in (7, 8)] + [{**ROWS[0], "flight": "999", "ticket": "t299"}]
    checked = check_rows(tmp_path, contract, rows, again, block_bytes=1 << 10)
    assert broken(checked) == {("ticket", "unique"): 3, ("day, flight", "unique"): 2}
    assert all(violation.files == {"2.csv": violation.count} for violation in checked.violations)


def test_minus_zero_equals_zero_in_a_key(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, "min_rows: 0\ncolumns: {a: {role: label, type: number, unique: true}}")
    assert broken(check_rows(tmp_path, contract, [{"a": "0"}, {"a": "-0.0"}, {"a": "0e3"}])) == {("a", "unique"): 2}


def test_key_with_a_missing_value_equals_no_other(tmp_path: Path) -> None:
    columns = "{a: {role: label, type: number, nullable: true}, b: {role: record, type: category, nullable: true}}"
    contract = contract_of(tmp_path, f"min_rows: 0\nunique: [[a, b]]\ncolumns: {columns}")
    rows: list[dict[str, str | None]] = [{"a": "1", "b": None}, {"a": "1", "b": None}, {"a": None, "b": None}]
    assert not check_rows(tmp_path, contract, rows).violations


def test_every_violation_is_reported_at_once_with_counts_and_few_examples(
    tmp_path: Path, contract: DataContract
) -> None:
    bad = {**ROWS[0], "flight": "-1", "origin": "XXX", "temp": "hot"}
    rows = [{**bad, "ticket": f"t{number}", "flight": str(-number)} for number in range(50)]
    checked = check_rows(tmp_path, contract, ROWS, rows)
    assert broken(checked) == {("flight", "min"): 50, ("origin", "allowed"): 50, ("temp", "type"): 50}
    assert all(len(violation.examples) == EXAMPLES for violation in checked.violations)
    assert str(checked.violations[0]) == "flight: below 1 (50 rows in 2.csv)"


def test_missing_column_is_named_with_its_files_and_is_the_only_violation(
    tmp_path: Path, contract: DataContract
) -> None:
    short = [{name: cell for name, cell in row.items() if name != "landed"} for row in ROWS]
    other = [{**row, "ticket": f"{row['ticket']}2", "day": "2013-01-09", "extra": "x"} for row in ROWS]
    other = [{**row, "flight": str(number + 1)} for number, row in enumerate(other)]
    other = [{**row, "landed": None} for row in other]
    checked = check_rows(tmp_path, contract, other, short)
    [violation] = checked.violations
    assert (violation.column, violation.rule, violation.detail) == ("landed", "missing", "the column is missing")
    assert violation.files == {"2.csv": 3}
    assert checked.files_with_other_columns == ("2.csv",)


def test_file_without_rows_still_needs_its_columns(tmp_path: Path, contract: DataContract) -> None:
    (tmp_path / "1.csv").write_text("day,flight\n")
    found = broken(check_files({"1.csv": tmp_path / "1.csv"}, contract, reference=COMMITTED))
    assert {column for column, rule in found if rule == "missing"} == {"landed", "ticket", "origin", "temp"}
    assert found["(table)", "min_rows"] == 3
    assert ("day", "freshness") in found


def test_only_examples_hold_values_of_rows(tmp_path: Path, contract: DataContract) -> None:
    headless = "Ada,Lovelace,1815\n" * 4
    (tmp_path / "1.csv").write_text(headless.replace("\n", ",x\n"))
    secret = [{**ROWS[0], "origin": "Ada", "temp": "Lovelace", "flight": "1815", "ticket": "Ada"}] * 3
    for checked in (
        check_files({"1.csv": tmp_path / "1.csv"}, contract, reference=COMMITTED),
        check_rows(tmp_path, contract, secret),
    ):
        record = to_json(checked.to_record(commit="c", tree="t"))
        kept = json.dumps(record) + "; ".join(map(str, checked.violations))
        assert checked.violations
        assert not [word for word in ("Ada", "Lovelace", "1815") if word in kept]
    examples = to_json(checked.examples())["examples"]
    assert "Ada" in json.dumps(examples)
    assert checked.to_document() == {
        **{name: value for name, value in record.items() if name in checked.to_document()},
        "examples": examples,
    }
    assert not {"commit", "training"} & checked.to_document().keys(), "the files are no commit"


def parquet(folder: Path, **columns: Any) -> Path:
    pyarrow.parquet.write_table(pa.table(columns), folder / "1.parquet")
    return folder / "1.parquet"


GOOD_PARQUET: dict[str, Any] = {
    "day": pa.array([datetime.datetime(2013, 1, 5), datetime.datetime(2013, 1, 6), datetime.datetime(2013, 1, 6)]),
    "landed": pa.array([datetime.date(2013, 1, 6), None, datetime.date(2013, 1, 7)]),
    "flight": pa.array([1, 1, 2], pa.int16()),
    "ticket": pa.array(["a", "b", "c"]).dictionary_encode(),
    "origin": pa.array(["EWR", "JFK", "JFK"], pa.large_string()),
    "temp": pa.array([Decimal("30.5"), None, Decimal("-15")]),
}


def test_parquet_is_read_by_its_types(tmp_path: Path, contract: DataContract) -> None:
    assert not check_files({"1.parquet": parquet(tmp_path, **GOOD_PARQUET)}, contract, reference=COMMITTED).violations


@pytest.mark.parametrize(
    ("column", "stored", "detail"),
    [
        ("day", pa.array(["2013-01-05", "2013-01-06", "2013-01-06"]), "not readable as time: stored as string"),
        ("day", pa.array([1, 2, 3]), "not readable as time: stored as int64"),
        ("flight", pa.array(["1", "1", "2"]), "not readable as integer: stored as string"),
        ("flight", pa.array([True, True, False]), "not readable as integer: stored as bool"),
        ("flight", pa.array([1.5, 2.5, 3.5]), "not readable as integer: stored as double"),
        ("origin", pa.array([1, 2, 3]), "not readable as category: stored as int64"),
        ("temp", pa.array([float("inf"), float("nan"), float("-inf")]), "not readable as number: stored as double"),
    ],
)
def test_other_types_in_parquet_are_reported(
    tmp_path: Path, contract: DataContract, column: str, stored: pa.Array, detail: str
) -> None:
    path = parquet(tmp_path, **{**GOOD_PARQUET, column: stored})
    found = check_files({"1.parquet": path}, contract, reference=COMMITTED).violations
    assert [(v.column, v.rule, v.detail, v.count) for v in found if v.rule == "type"] == [(column, "type", detail, 3)]
    assert {violation.rule for violation in found} <= {"type", "freshness"}


def test_times_with_a_zone_are_compared_in_utc(tmp_path: Path) -> None:
    contract = contract_of(
        tmp_path, "min_rows: 1\ncolumns: {t: {role: record, type: time, min: '2013-01-01T00:00:00Z'}}"
    )
    rows: list[dict[str, str | None]] = [{"t": "2013-01-01T00:30:00+01:00"}, {"t": "2012-12-31T23:30:00-01:00"}]
    checked = check_rows(tmp_path, contract, rows)
    assert [example.row for example in checked.violations[0].examples] == [1]
    instants = pa.array([datetime.datetime(2012, 12, 31, 23, 30)]).cast(pa.timestamp("us", tz="+01:00"))
    path = parquet(tmp_path, t=instants)
    assert broken(check_files({"1.parquet": path}, contract, reference=COMMITTED)) == {("t", "min"): 1}


TYPED = {
    "integer": st.integers(-50, 50).map(str),
    "number": st.floats(-50, 50).map(repr),
    "category": st.sampled_from(["x", "=1+1", "<b>", "NaN", "null", "0", "ä"]),
    "time": st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2250, 1, 1)).map(datetime.datetime.isoformat),
}
BREAK: dict[str, tuple[str, str | None]] = {
    "integer": ("type", "0.5"),
    "number": ("type", "NaN"),
    "category": ("allowed", "other"),
    "time": ("type", "2013-13-01"),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, str | None]]]:
    """Draw a contract and rows that keep it."""
    columns: dict[str, Any] = {}
    cells: dict[str, st.SearchStrategy[str | None]] = {}
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(sorted(TYPED)))
        rules: dict[str, Any] = {"role": "record", "type": kind, "nullable": draw(st.booleans())}
        if kind == "category":
            rules["allowed"] = ["x", "=1+1", "<b>", "NaN", "null", "0", "ä"]
        elif kind != "time":
            rules |= {"min": -50, "max": 50}
        columns[f"c{number}"] = rules
        cells[f"c{number}"] = TYPED[kind] | st.none() if rules["nullable"] else TYPED[kind]
    # A column that is never empty: a line without anything is no record.
    columns["id"] = {"role": "record", "type": "integer", "unique": True}
    rows = draw(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=12))
    named: list[dict[str, str | None]] = [{**row, "id": str(number)} for number, row in enumerate(rows)]
    return {"min_rows": len(rows), "columns": columns}, named


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(table=tables(), data=st.data())
def test_generated_table_passes_and_each_mutation_is_reported(
    tmp_path: Path, table: tuple[dict[str, Any], list[dict[str, str | None]]], data: st.DataObject
) -> None:
    document, rows = table
    contract = contract_of(tmp_path, json.dumps(document))
    assert not check_rows(tmp_path, contract, rows).violations
    row = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from([name for name in document["columns"] if name != "id"]))
    rules = document["columns"][column]
    ways: dict[str, str | None] = {BREAK[rules["type"]][0]: BREAK[rules["type"]][1]}
    if "max" in rules:
        ways |= {"min": "-51", "max": "51"}
    if not rules["nullable"]:
        ways["nullable"] = None
    rule = data.draw(st.sampled_from(sorted(ways)))
    rows[row][column] = ways[rule]
    [violation] = check_rows(tmp_path, contract, rows).violations
    assert (violation.column, violation.rule, violation.count) == (column, rule, 1)
    assert [(example.row, example.values) for example in violation.examples] == [(row + 1, {column: ways[rule]})]
    rows[row]["id"] = None
    assert broken(check_rows(tmp_path, contract, rows)) == {(column, rule): 1, ("id", "nullable"): 1}


def test_gzipped_files_are_checked(tmp_path: Path, contract: DataContract) -> None:
    check_rows(tmp_path, contract, ROWS)
    (tmp_path / "object").write_bytes(gzip.compress((tmp_path / "1.csv").read_bytes()))
    assert not check_files({"1.csv.gz": tmp_path / "object"}, contract, reference=COMMITTED).violations
