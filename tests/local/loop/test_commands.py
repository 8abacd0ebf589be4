"""The commands against a deployed environment, as tables and as JSON."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from mooring.cli import cli
from mooring.demo.chapters import DATASET, MODEL
from mooring.deployed import DeployedEnvironment, wait
from mooring.errors import MooringError
from pipelines.aws.messages import publish
from pipelines.interface import keys
from pipelines.interface.events import RetrainingRequested, TriggerRequest


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments), catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_show_prints_champion_runs_and_releases(arrivals: DeployedEnvironment) -> None:
    text = run("show", arrivals.environment.id, MODEL)
    assert "champion v1" in text
    assert "registered" in text
    assert "released" in text
    found = run_json("show", arrivals.environment.id, MODEL)
    assert found["champion"][0]["version"] == 1
    assert found["run"][0]["outcome"] == "registered"
    assert "auc 0." in text, "a run is shown with its metric"


def exit_code(*arguments: str) -> tuple[int, str]:
    """Run the command line as a terminal does; return its exit code and its output."""
    ran = subprocess.run([sys.executable, "-m", "mooring", *arguments], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def retrained_by_commits(arrivals: DeployedEnvironment, admin: Any) -> Iterator[None]:
    """Make the model retrain on commits, as a deployment of other settings would."""
    name, ssm = arrivals.environment.model(MODEL).settings_parameter, admin("ssm")
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    document = json.loads(before)
    document["retraining"]["triggers"].append("commit")
    ssm.put_parameter(Name=name, Value=json.dumps(document), Overwrite=True)
    yield
    ssm.put_parameter(Name=name, Value=before, Overwrite=True)


@pytest.mark.usefixtures("retrained_by_commits")
def test_retrain_follows_the_run_that_a_commit_started(arrivals: DeployedEnvironment) -> None:
    wait(lambda: cooled_down(arrivals) or None, what="the end of the cooldown", timeout_s=90)
    trigger = TriggerRequest(kind="commit", id=f"commit-{time.time_ns()}", by="tester", reason="new files")
    publish(arrivals.services("engineer"), RetrainingRequested(model=MODEL, trigger=trigger))
    started = wait(
        lambda: next((run for _, run in arrivals.ledger.query(keys.runs(MODEL)) if run.trigger.id == trigger.id), None),
        what="the run that the event starts",
        timeout_s=30,
    )
    code, text = exit_code("retrain", arrivals.environment.id, MODEL, "--wait", "--json")
    assert code == 2, text
    found = json.loads(text)
    assert (found["run_id"], found["ending"]) == (started.run_id, "rejected")
    assert found["asked"] != found["execution"]
    assert "gain over the champion" in found["reasons"][0]
    assert run("retrain", "--help").count("exits with 0") == 1


def cooled_down(arrivals: DeployedEnvironment) -> bool:
    lease = arrivals.ledger.get(keys.lease(MODEL))
    return lease is None or time.time() > lease.cooldown_until


def test_log_lists_the_commits(arrivals: DeployedEnvironment) -> None:
    newest = run_json("data", "log", arrivals.environment.id, DATASET)[0]
    assert [file["path"] for file in newest["files"]] == [f"2013-0{month}.csv.gz" for month in (1, 2, 3)]
    assert newest["id"][:12] in run("data", "log", arrivals.environment.id, DATASET)


def test_unchanged_files_make_no_commit(arrivals: DeployedEnvironment, tmp_path: Any) -> None:
    from pipelines.models import flights  # noqa: PLC0415 - pandas

    head = arrivals.dataset(DATASET).head()
    files = flights.write_months(tmp_path, [1])
    text = run("data", "commit", arrivals.environment.id, DATASET, *map(str, files.values()), "-m", "again")
    assert "Nothing changed" in text
    assert arrivals.dataset(DATASET).read_head() == head.id


def test_commit_is_shown_checked_out_verified_and_profiled(arrivals: DeployedEnvironment, tmp_path: Any) -> None:
    name, head = arrivals.environment.id, arrivals.dataset(DATASET).head()
    assert head.id in run("data", "show", name, DATASET)
    done = run_json("data", "checkout", name, DATASET, head.id[:8], str(tmp_path / "out"))
    assert done["written"] == [file.path for file in head.files]
    assert run_json("data", "verify", name, DATASET, "--all") == {"verified": "all", "damages": []}
    page = tmp_path / "page.html"
    profile = run_json("data", "profile", name, DATASET, "-o", str(page))["profile"]
    assert profile["rows"] == sum(file.rows or 0 for file in head.files)
    assert page.stat().st_size < 500_000


def test_unknown_environment_is_refused_with_the_known_ones(arrivals: DeployedEnvironment) -> None:
    with pytest.raises(MooringError, match="arrivals-dev-us-east-2") as refused:
        run("show", "arrivals-dev-us-east-2", MODEL)
    assert arrivals.environment.id in refused.value.remedy
