"""The operator's commands against a deployed environment, as tables and as JSON."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from mooring.cli import cli
from mooring.demo.chapters import DATASET, MODEL
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments), catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_show_tells_champion_runs_and_releases(arrivals: DeployedEnvironment) -> None:
    text = run("show", arrivals.environment.id, MODEL)
    assert "champion v1" in text
    assert "registered" in text
    assert "released" in text
    found = run_json("show", arrivals.environment.id, MODEL)
    assert found["champion"][0]["version"] == 1
    assert found["run"][0]["outcome"] == "registered"


def test_log_lists_the_commits(arrivals: DeployedEnvironment) -> None:
    newest = run_json("data", "log", arrivals.environment.id, DATASET)[0]
    assert [file["path"] for file in newest["files"]] == [f"2013-0{month}.csv.gz" for month in (1, 2, 3)]
    assert newest["id"][:12] in run("data", "log", arrivals.environment.id, DATASET)


def test_unchanged_files_make_no_commit(arrivals: DeployedEnvironment, tmp_path: Any) -> None:
    from pipelines.models import flights  # noqa: PLC0415 - pandas

    head = arrivals.dataset(DATASET).head()
    files = flights.write_months(tmp_path, [1])
    said = run("data", "commit", arrivals.environment.id, DATASET, *map(str, files.values()), "-m", "again")
    assert "Nothing changed" in said
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


def test_unknown_environment_names_those_that_there_are(arrivals: DeployedEnvironment) -> None:
    with pytest.raises(MooringError, match="arrivals-dev-us-east-2") as refused:
        run("show", "arrivals-dev-us-east-2", MODEL)
    assert arrivals.environment.id in refused.value.remedy
