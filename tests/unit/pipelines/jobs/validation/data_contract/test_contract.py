"""Contracts as files: their content is read, and every error is named at once with its line."""

import json
from pathlib import Path

import pytest

from pipelines.jobs.validation.data_contract.contract import InvalidContractError, read_contract

GOOD = """\
min_rows: 10
segments: [origin]
unique: [[day, flight]]
freshness: {column: day, max_age_days: 7}
rules:
  lands later: landed >= day
columns:
  day: {role: record, type: time, min: 2013-01-01, max: 2013-12-31T23:59:59Z}
  landed: {role: record, type: time, nullable: true}
  flight: {role: record, type: integer, min: 1}
  ticket: {role: record, type: category, unique: true}
  origin: {role: feature, type: category, allowed: [NO, 9E, "5"]}
  class: {role: feature, type: integer, allowed: [1, 2]}
  temp: {role: feature, type: number, min: -4e1, max: 130, nullable: true, max_null_share: 0.1}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def errors_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidContractError) as raised:
        read_contract(write(folder, text))
    first, *others = str(raised.value).split("\n")
    assert first == f"contract.yaml: {len(others)} errors"
    return [line.strip() for line in others]


def test_everything_that_a_contract_may_hold_is_read(tmp_path: Path) -> None:
    contract = read_contract(write(tmp_path, GOOD))
    assert contract.features == ["origin", "class", "temp"]
    assert contract.keys == [("ticket",), ("day", "flight")]
    assert contract.columns["origin"].allowed == ("NO", "9E", "5"), "plain words are text, as in YAML 1.2"
    assert contract.columns["temp"].min == -40
    assert contract.columns["temp"].max_null_share == 0.1
    assert str(contract.columns["day"].min) == "2013-01-01 00:00:00"
    assert contract.freshness
    assert contract.freshness.max_age_days == 7
    assert [(rule.name, rule.columns) for rule in contract.rules] == [("lands later", ("landed", "day"))]
    assert len(contract.sha256) == 64


def test_contracts_in_json_are_read(tmp_path: Path) -> None:
    text = json.dumps({"min_rows": 5, "columns": {"a": {"role": "label", "type": "number", "min": 1e-05}}}, indent=1)
    contract = read_contract(write(tmp_path, text))
    assert contract.columns["a"].min == 1e-05
    assert contract.columns["a"].type == "number"


def test_all_errors_are_named_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
min_rows: many
segments: [temp]
unique: [[day], [day, day]]
freshness: {column: temp, max_age_days: -1}
colour: blue
rules:
  one: temp >
  two: temp > cold
columns:
  day: {role: record, type: date}
  temp: {role: input, type: number, min: cold, max: 5, nullable: yes, sort: true}
  high: {role: record, type: number, min: 5, max: 4}
  origin: {role: feature, type: category, allowed: [1], min: 3, max_null_share: 0.5}
  when: {role: record, type: time, min: now, allowed: [2013-01-01]}
  odd: 5
  share: {role: record, type: number, nullable: true, max_null_share: 2, allowed: []}
"""
    assert errors_of(tmp_path, text) == [
        "line 1: min_rows: the smallest number of rows is a whole number, not 'many'",
        "line 2: segments[0]: 'temp' is not a column of type category",
        "line 3: unique: keys are lists of two or more columns, as in [[day, flight]]; "
        "write unique: true for one column",
        "line 4: freshness.column: 'temp' is not a column of type time",
        "line 4: freshness.max_age_days: the largest age is a number of days, not -1",
        "line 5: colour: unknown key: it is one of min_rows, segments, unique, freshness, rules, columns",
        "line 7: rules.one: 'temp >' is no expression: invalid syntax",
        "line 8: rules.two: 'cold' is no column: it is one of temp, high, origin, when, share",
        "line 10: columns.day.type: a type is one of category, number, integer, time, not 'date'",
        "line 11: columns.temp.sort: unknown rule: "
        "it is one of role, type, nullable, max_null_share, unique, min, max, allowed",
        "line 11: columns.temp.role: a role is one of feature, label, record, not 'input'",
        "line 11: columns.temp.nullable: the value is true or false, not 'yes'",
        "line 11: columns.temp.min: a bound is a number, not 'cold'",
        "line 12: columns.high.max: max 4 is below min 5",
        "line 13: columns.origin.max_null_share: only a column with nullable: true has a share of missing values",
        "line 13: columns.origin.min: only a number, an integer or a time has a bound",
        "line 13: columns.origin.allowed[0]: 1 is no text: write it in quotes",
        "line 14: columns.when.min: a bound of a time is an ISO 8601 time, not 'now'",
        "line 14: columns.when.allowed: only a category, a number or an integer has allowed values",
        "line 15: columns.odd: a column's rules are an object, not 5",
        "line 16: columns.share.max_null_share: a share is a number from 0 to 1, not 2",
        "line 16: columns.share.allowed: the allowed values are a list of at least one, not []",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "line 1: columns: a contract is an object with min_rows and columns"),
        ("min_rows: 1\ncolumns: []", "line 2: columns: a contract is an object with min_rows and columns"),
        ("min_rows: 1\n\tcolumns: {}", "line 2: no YAML: found character '\\t' that cannot start any token"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "line 1: columns: a contract is an object with min_rows and columns",
        ),
    ],
)
def test_other_documents_are_refused_by_name(tmp_path: Path, text: str, error: str) -> None:
    assert error in errors_of(tmp_path, text)


def test_repeated_key_is_named_beside_other_errors(tmp_path: Path) -> None:
    text = (
        "min_rows: 1\ncolumns:\n  a: {role: label, type: number}\n  a: {role: label, type: integer}\nmin_rows: 2\nx: 1"
    )
    assert errors_of(tmp_path, text) == [
        "line 4: columns.a: the key occurs twice",
        "line 5: min_rows: the key occurs twice",
        "line 6: x: unknown key: it is one of min_rows, segments, unique, freshness, rules, columns",
    ]


def test_too_deep_documents_are_refused(tmp_path: Path) -> None:
    # Other tests of this process may have changed the limit of Python's stack, so the text is one of two.
    assert any("too deep" in error for error in errors_of(tmp_path, "[" * 3000 + "]" * 3000))


def test_aliases_that_multiply_values_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert any("too many values" in error for error in errors_of(tmp_path, "\n".join(lines)))
    assert any("too many values, or too deep" in error for error in errors_of(tmp_path, "a: &a [*a]"))


def test_reference_to_a_broken_column_is_no_second_error(tmp_path: Path) -> None:
    text = """\
min_rows: 1
segments: [a]
freshness: {column: a, max_age_days: 1}
rules: {r: a != b}
columns: {a: {role: record, type: text}, b: {role: label, type: category}}
"""
    assert errors_of(tmp_path, text) == [
        "line 5: columns.a.type: a type is one of category, number, integer, time, not 'text'"
    ]


def test_other_encodings_than_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_bytes("min_rows: 1 # é".encode("latin-1"))
    with pytest.raises(InvalidContractError, match=r"contract\.yaml: not UTF-8 \(byte 14\)"):
        read_contract(tmp_path / "contract.yaml")


def test_too_large_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidContractError, match="at most 1000000"):
        read_contract(write(tmp_path, "#" * 1_000_001))
