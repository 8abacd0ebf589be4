"""Ruff and mypy leave the folders of other models than our examples to their owners."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
from sklearn.ensemble import HistGradientBoostingRegressor
from pipelines.jobs.training.job import train
def build(categories, seed, hyperparameters): return HistGradientBoostingRegressor(random_state = seed)
"""
"""Untyped program that is neither formatted nor sorted."""
TOOLS = {"lint": ("ruff", "check", "."), "format": ("ruff", "format", "--check", "."), "types": ("mypy", "pipelines")}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    models = tmp_path / "pipelines" / "models"
    models.mkdir(parents=True)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    shutil.copyfile(ROOT / "pipelines" / "models" / "ruff.toml", models / "ruff.toml")
    # mypy fails if it finds no file at all.
    (models / "flights.py").touch()
    return models


@pytest.mark.parametrize("tool", TOOLS)
def test_only_the_examples_are_checked(tool: str, checkout: Path) -> None:
    add_program(checkout / "my_model")
    ran = run(tool, checkout)
    assert ran.returncode == 0, ran.stdout
    add_program(checkout / "late_arrival")
    assert run(tool, checkout).returncode == 1


def add_program(folder: Path) -> None:
    folder.mkdir()
    (folder / "train.py").write_text(PROGRAM, encoding="utf-8")


def run(tool: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *TOOLS[tool]]
    return subprocess.run(command, cwd=checkout.parents[1], capture_output=True, text=True, check=False)
