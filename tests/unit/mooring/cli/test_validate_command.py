"""``mooring data validate`` prints the violations of files that are not committed yet."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mooring.cli import cli
from mooring.errors import MooringError
from pipelines.models import flights

ENVIRONMENT, MODEL = "arrivals-dev-us-east-1", "late-arrival"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["data", "validate", ENVIRONMENT, MODEL, *map(str, arguments)])


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("month")
    return flights.write_months(folder, [6])[flights.month_name(6)]


def test_data_that_keep_the_contract_exit_with_0(month: Path) -> None:
    ran = run(month)
    assert ran.exit_code == 0, ran.output
    assert ran.output.startswith("The data keep the contract of late-arrival: 1 file, 28,243 rows, ")


def test_every_violation_is_printed_with_rows_and_exits_with_1(tmp_path: Path) -> None:
    rows = flights.month_rows(6).astype("object")
    rows.loc[2, "carrier"] = "\x1b[2J[red]"
    rows.loc[[3, 9], "distance"] = [-1, 7]
    rows.to_csv(tmp_path / "june.csv", index=False)
    rows.drop(columns="temp").iloc[:3].to_csv(tmp_path / "odd.csv", index=False)
    ran = run(tmp_path / "june.csv", tmp_path / "odd.csv", "--as-of", "2013-07-01")
    assert ran.exit_code == 1
    assert "odd.csv has other columns than the first file" in ran.output
    assert "carrier, allowed: june.csv row 3: carrier='\\x1b[2J[red]'" in ran.output
    assert "\x1b" not in ran.output, "no value of a row controls the terminal"
    assert "distance, min: june.csv row 10: distance='7'" in ran.output
    found = json.loads(run(tmp_path / "june.csv", tmp_path / "odd.csv", "--json").stdout)
    assert found["outcome"] == "failed"
    counts = {(violation["column"], violation["rule"]): violation["count"] for violation in found["violations"]}
    assert counts["distance", "min"] == 2
    assert counts["temp", "missing"] == 3
    assert {"column": "distance", "rule": "min", "file": "june.csv", "row": 4, "values": {"distance": "-1"}} in found[
        "examples"
    ]


def test_unreadable_file_has_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"name\nAd\xe9\n")
    ran = run(tmp_path / "a.csv")
    assert isinstance(ran.exception, MooringError)
    assert "a.csv: line 2: not UTF-8" in ran.exception.message
    assert "in UTF-8" in ran.exception.remedy
