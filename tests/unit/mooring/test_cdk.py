"""The CDK CLI and the commands read the same fleet."""

from pathlib import Path

import pytest

from mooring.cdk import PROJECT, fleet_file


def test_variable_names_the_file_of_the_fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOORING_FLEET", "other.yaml")
    assert fleet_file() == tmp_path / "other.yaml"


def test_fleet_of_the_project_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOORING_FLEET")
    assert fleet_file() == PROJECT / "fleet.yaml"
