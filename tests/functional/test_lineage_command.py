"""Tests ``mooring lineage`` and ``mooring reproduce`` on moto: what is printed, drawn and refused."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from mooring.cli import cli
from mooring.cli.reproduce import comparison_of
from mooring.deployed import StateMachineRun
from mooring.errors import MooringError
from tests.functional.test_data_commands import FLEET
from tests.support.life import Life
from tests.support.scene import SUBJECT, Scene, scene, table
from tests.support.world import ENVIRONMENT

__all__ = ["scene"]


@pytest.fixture(autouse=True)
def fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    monkeypatch.setenv("MOORING_FLEET", str(path))


@pytest.fixture
def life(scene: Scene, tmp_path: Path) -> Life:
    return Life(world=scene.world, folder=tmp_path)


def run(*arguments: str) -> str:
    ran = CliRunner().invoke(cli, list(arguments))
    if ran.exception:
        raise ran.exception
    return ran.stdout


def test_lineage_is_printed_as_text_json_and_picture(life: Life, tmp_path: Path) -> None:
    commit = life.commit("2013-01.csv")
    life.registered()
    picture = tmp_path / "lineage.svg"
    printed = run("lineage", ENVIRONMENT.id, "late-arrival/1", "--svg", str(picture))
    assert printed.startswith("Lineage of late-arrival v1 in arrivals-dev-us-east-1\n\ncommit " + commit.id[:12])
    assert str(picture) in printed
    ET.parse(picture)
    assert json.loads(run("lineage", ENVIRONMENT.id, commit.id, "--json"))["subject"] == f"commit:flights/{commit.id}"


def test_unknown_subject_is_refused_with_what_can_be_named(life: Life) -> None:
    life.commit("2013-01.csv")
    with pytest.raises(MooringError, match="models: late-arrival; datasets: flights"):
        run("lineage", ENVIRONMENT.id, "delay")
    with pytest.raises(MooringError, match="late-arrival has no version 4"):
        run("lineage", ENVIRONMENT.id, "late-arrival/4")


def test_version_of_a_forgotten_commit_is_traced_but_not_reproduced(scene: Scene, life: Life) -> None:
    old = scene.commit("first", january=table("ann", "canary-7f3d"))
    life.registered()
    scene.forget(SUBJECT)
    new = scene.dataset().head()
    printed = run("lineage", ENVIRONMENT.id, "late-arrival/1")
    assert f"commit {old.id[:12]}" in printed
    assert f"rewritten as commit {new.id[:12]}" in printed
    assert "by olga" in printed
    assert "canary" not in printed
    with pytest.raises(MooringError, match=f"its commit {old.id} of flights was rewritten to {new.id}.*olga"):
        run("reproduce", ENVIRONMENT.id, "late-arrival", "1")


def test_refused_reproduction_says_why() -> None:
    failure = {"Error": "LeaseHeldError", "Cause": "another run holds the lease"}
    refused = StateMachineRun(arn="arn:x", status="SUCCEEDED", input={}, output={"failure": failure}, cause="")
    with pytest.raises(MooringError, match="another run holds the lease"):
        comparison_of(refused, "late-arrival v1")
