"""The copy of a model's newest state: who writes it, and what ``mooring status`` prints of it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from mooring.cli import cli
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from mooring.fleet_status import State, read_states
from pipelines.aws.status import read_status
from pipelines.flows.release.finish import finish_release
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import take_lease
from pipelines.interface import keys
from pipelines.interface.records import (
    CheckOutcome,
    ModelStatus,
    ReleaseOutcome,
    RunOutcome,
)
from pipelines.interface.requests import CheckRequest, FinishReleaseRequest
from pipelines.monitoring.check import check_drift
from tests.functional.test_data_commands import FLEET
from tests.functional.test_release import begin, register, released
from tests.functional.test_retraining import aborted, request
from tests.support import captured
from tests.support.captured import KEY, put, record, rows
from tests.support.world import ENVIRONMENT, MODEL, World


def copy_of(world: World) -> ModelStatus:
    """Return the copy, which is what the records say."""
    found = world.item(keys.status(MODEL.name))
    assert found == read_status(world.services.ledger, MODEL.name)
    return found


def test_the_end_of_a_run_is_copied_and_so_is_its_repetition(world: World) -> None:
    take_lease(request(), world.services)
    finish_run(aborted(), world.services)
    found = copy_of(world)
    assert (found.run_outcome, found.run_cause, found.champion) == (RunOutcome.FAILED, "ABORTED", None)
    # A call that died after the record and before the copy is repeated.
    world.client("dynamodb").delete_item(
        TableName=ENVIRONMENT.ledger_table, Key={"pk": {"S": "status"}, "sk": {"S": f"model#{MODEL.name}"}}
    )
    finish_run(aborted(), world.services)
    assert copy_of(world) == found


def test_the_end_of_a_release_is_copied(world: World) -> None:
    released(world, 1)
    found = copy_of(world)
    assert (found.champion, found.release_outcome) == (1, ReleaseOutcome.RELEASED)
    begin(world, register(world, 2), "release-2")
    finish_release(FinishReleaseRequest(execution="release-2", status="FAILED"), world.services)
    found = copy_of(world)
    assert found.champion == 1
    assert found.release_outcome == ReleaseOutcome.FAILED
    assert found.release_cause.startswith("FAILED")


def test_a_check_of_the_champion_is_copied(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    captured.register(world, rows(2000))
    put(world, "a.jsonl", record(rows(500, shift=20)))
    check_drift(CheckRequest(model=MODEL.name, scheduled_at="2026-03-01T12:00:00Z"), world.services, key_arn=KEY)
    capsys.readouterr()
    assert copy_of(world).check is None, "the release state names a champion that no release has recorded"


def stored(world: World, **changes: object) -> ModelStatus:
    values: dict[str, object] = {
        "model": MODEL.name,
        "champion": 3,
        "since": "2026-03-01T00:00:00Z",
        "check": "check",
        "check_outcome": CheckOutcome.STABLE,
        "checked_from": "2026-03-01T10:00:00Z",
        "checked_to": "2026-03-01T11:00:00Z",
    }
    status = ModelStatus(**(values | changes))  # type: ignore[arg-type]
    world.services.ledger.record(keys.status(status.model), status)
    return status


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, State.HEALTHY, "stable"),
        ({"release_outcome": "rolled_back", "release_cause": "5XX"}, State.FAILED, "release rolled_back: 5XX"),
        ({"run_outcome": "failed", "run_cause": "capacity"}, State.FAILED, "retraining failed: capacity"),
        ({"run_outcome": "rejected"}, State.HEALTHY, "stable"),
        ({"check_outcome": "drift", "changed_columns": ("temp",)}, State.DRIFTED, "drift of temp"),
        ({"check_outcome": "broken_input"}, State.DRIFTED, "broken input"),
        ({"quality_outcome": "lost"}, State.DRIFTED, "quality lost"),
        ({"champion": None, "run_outcome": "rejected"}, State.NO_CHAMPION, "last retraining rejected"),
        ({"champion": None, "run": "1"}, State.NO_CHAMPION, "retraining under way"),
        ({"checked_to": "2026-03-01T10:30:00Z"}, State.STALE, "last checked window ended 2026-03-01T10:30:00Z"),
        ({"checked_from": None, "checked_to": None}, State.STALE, "never checked"),
        ({"release": "1"}, State.HEALTHY, "release under way"),
    ],
)
def test_the_worst_state_that_applies_is_found(
    world: World, changes: dict[str, object], state: State, reason: str
) -> None:
    stored(world, **changes)
    now = datetime(2026, 3, 1, 13, tzinfo=UTC)
    (found,) = read_states(DeployedEnvironment(ENVIRONMENT), [MODEL.name], now)
    assert (found.state, found.reason) == (state, reason)


def test_models_without_a_copy_are_read_from_their_records(world: World) -> None:
    released(world, 1)
    world.client("dynamodb").delete_item(
        TableName=ENVIRONMENT.ledger_table, Key={"pk": {"S": "status"}, "sk": {"S": f"model#{MODEL.name}"}}
    )
    (found,) = read_states(DeployedEnvironment(ENVIRONMENT), [MODEL.name])
    assert (found.status.champion, found.state, found.reason) == (1, State.STALE, "never checked")


@pytest.fixture
def fleet(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fleet of 40 models in the world's environment and one in another account; 39 have run once."""
    for number in range(39):
        stored(world, model=f"model-{number:02d}", champion=None, run_outcome="rejected")
    model = FLEET[FLEET.index("      - {name: late-arrival") :]
    more = "".join(model.replace("late-arrival", f"model-{number:02d}") for number in range(39))
    other = '{stage: dev, account: "999999999999", region: eu-west-1}'
    text = FLEET.replace("environments: [", f"environments: [{other}, ") + more
    (tmp_path / "fleet.yaml").write_text(text)
    monkeypatch.setenv("MOORING_FLEET", str(tmp_path / "fleet.yaml"))


def run(*arguments: str) -> str:
    ran = CliRunner().invoke(cli, ["status", *arguments])
    if ran.exception:
        raise ran.exception
    return ran.output


@pytest.mark.usefixtures("fleet")
def test_the_fleet_is_printed_in_pages_worst_first(world: World) -> None:
    stored(world, run_outcome="failed", run_cause="no capacity")
    first, second = run(), run("--page", "2")
    assert first.startswith("40 models: 1 failed, 0 drifted, 39 no champion, 0 stale check, 0 healthy\n")
    assert "Not shown: arrivals-dev-eu-west-1 is in account 999999999999" in first
    assert "Page 1 of 2; the next: mooring status --page 2" in first
    assert first.index("no capacity") < first.index("model-00") < first.index("model-28")
    assert "model-29" not in first
    assert "model-29" in second
    assert "model-38" in second
    with pytest.raises(MooringError, match="there is no page 3 of 40 models"):
        run("--page", "3")


@pytest.mark.usefixtures("fleet")
def test_json_has_every_model_and_its_records(world: World) -> None:
    stored(world)
    found = json.loads(run(ENVIRONMENT.id, "--json"))
    assert found["counts"] == {"failed": 0, "drifted": 0, "no champion": 39, "stale check": 1, "healthy": 0}
    assert len(found["models"]) == 40
    assert found["unreached"] == []
    assert found["models"][-1]["champion"] == 3
    with pytest.raises(MooringError, match="account 999999999999"):
        run("arrivals-dev-eu-west-1")
