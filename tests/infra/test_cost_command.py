"""``mooring cost`` synthesizes what is asked and prints it; the app warns of an environment beyond its budget."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from infra.app import warn_of_cost
from infra.fleet import load
from infra.synthesis import build, new_app
from mooring import cli
from mooring.errors import MooringError
from tests.support.synth import FLEET

DEV = "arrivals-dev-us-east-1"


@pytest.fixture(autouse=True)
def signed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test ask AWS for the use of an environment."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.cli, ["cost", *arguments], catch_exceptions=False)


def changed_fleet(folder: Path, **team: Any) -> Path:
    """Return a copy of the tests' fleet with only the first team's dev, and other values of the team."""
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    first = document["teams"][0]
    document["teams"] = [{**first, "environments": first["environments"][:1], **team}]
    path = folder / "fleet.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_environment_is_printed_item_by_item_with_its_sums_and_notes() -> None:
    text = run(DEV).output
    assert "KMS key" in text
    assert "drift-check, idle ≈" in text
    assert "1 ml.m5.large" in text
    assert "One retraining" in text
    assert f"Not read, so the retrainings are those that schedules start: {DEV}" in text
    assert "once for all accounts of an organisation" in text
    assert "±$" in text
    assert "network-dev" not in text


def test_json_of_a_model_holds_its_lines_only() -> None:
    document = json.loads(run("air-time", "--json").output)
    assert {line["model"] for line in document["month"]} == {"air-time"}
    assert {line["environment"] for line in document["month"]} == {
        f"network-{stage}-eu-west-1" for stage in ("dev", "staging", "prod")
    }
    assert document["totals"]["endpoint"]["usd"] > 300
    assert any(note.startswith("eu-west-1: ") and "us-east-1" in note for note in document["notes"])


def test_other_fleet_is_compared_by_item(tmp_path: Path) -> None:
    [model] = yaml.safe_load(FLEET.read_text(encoding="utf-8"))["teams"][0]["models"]
    other = changed_fleet(tmp_path, models=[{**model, "serving": {"instance_type": "ml.c5.large"}}])
    rows = json.loads(run(DEV, "--fleet", str(other), "--json").output)
    assert [(row["item"].partition(" (")[0], row["usd"], row["other_usd"]) for row in rows] == [
        ("1 ml.m5.large", pytest.approx(730 * 0.115), 0),
        ("update, ml.m5.large", pytest.approx(600 / 3600 * 0.115), 0),
        ("1 ml.c5.large", 0, pytest.approx(730 * 0.102)),
        ("update, ml.c5.large", 0, pytest.approx(600 / 3600 * 0.102)),
    ]


def test_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(MooringError, match="no environment and no model 'arrivals'") as caught:
        run("arrivals")
    assert DEV in caught.value.remedy
    assert "air-time" in caught.value.remedy


def test_app_warns_of_an_environment_beyond_its_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for budget, warns in ((50, True), (500, False)):
        fleet = load(changed_fleet(tmp_path, monthly_budget_usd=budget))
        app = new_app(str(tmp_path / str(budget)))
        build(app, fleet)
        warn_of_cost(fleet, Path(app.synth().directory))
        warning = capsys.readouterr().err
        assert warning.startswith(f"Warning: {DEV} costs $") == warns
        assert ("monthly_budget_usd of 50. Largest: late-arrival 1 ml.m5.large" in warning) == warns
