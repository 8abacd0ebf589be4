"""The fleet's file is read with all of its errors at once, each with its path, value and what is allowed."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.app import ROOT
from infra.fleet import Fleet, FleetError, load, parse
from tests.support.synth import FLEET
from tests.unit.infra.fleet.document import fleet_document


def test_fleet_of_the_checkout_has_no_problems() -> None:
    """It may be edited in any way: no other test reads it."""
    assert list(load(ROOT / "fleet.yaml").environments())


@pytest.mark.parametrize("document", [None, [], "text", {}, {"teams": []}, {"stages": 1, "teams": [None]}])
def test_document_that_is_no_fleet_is_refused(document: Any) -> None:
    with pytest.raises(FleetError):
        parse(document)


def test_yaml_errors_name_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("stages: [dev\nteams: {}\n")
    with pytest.raises(FleetError, match=r"line 2, column \d+"):
        load(path)
    path.write_text("stages:\n  - name: dev\n    name: prod\n")
    with pytest.raises(FleetError, match=r"line 3, column 5.*'name' is given twice"):
        load(path)
    with pytest.raises(FleetError, match="a readable UTF-8 file"):
        load(tmp_path / "absent.yaml")


def test_unknown_environment_is_refused_with_a_list_of_all() -> None:
    with pytest.raises(FleetError, match=r"'nowhere'; allowed: one of arrivals-dev-us-east-1"):
        load(FLEET).environment("nowhere")


def test_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "fleet.schema.json").read_text(encoding="utf-8"))
    assert committed == Fleet.model_json_schema(), "run python -m infra.fleet > fleet.schema.json"


def test_wrong_budget_does_not_hide_a_wrong_region() -> None:
    document = fleet_document()
    team = document["teams"][0]
    del team["monthly_budget_usd"]
    team["owners"] = "a@b.c"
    team["environments"][0] |= {"account": 111111111111, "region": "eu-wset-1"}
    with pytest.raises(FleetError) as refused:
        parse(document)
    assert [problem.path for problem in refused.value.problems] == [
        "teams[0].owners",
        "teams[0].monthly_budget_usd",
        "teams[0].environments[0].account",
        "teams[0].environments[0].region",
    ]


def test_account_that_begins_with_a_zero_keeps_its_digits(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8")
    path.write_text(text.replace('"111111111111"', "011111111111"), encoding="utf-8")
    assert load(path).teams[0].environments[0].account == "011111111111"


@pytest.mark.parametrize("text", ["defaults: &a {loop: *a}", "2020-01-01: x", "? [a]\n: x", "- a", "text", ""])
def test_unusual_yaml_is_refused_with_problems(text: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FleetError, match="problem"):
        load(path)
