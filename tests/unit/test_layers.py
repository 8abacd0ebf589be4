"""The import contracts of pyproject.toml hold, and each kind of forbidden import breaks them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("functions", "infra", "mooring", "pipelines")


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


PLANTED = {
    "infra/images.py": ("pipelines.new_package", "infra imports nothing of ours but pipelines.interface"),
    "infra/instances.py": ("pipelines.aws.ledger", "infra imports nothing of ours but pipelines.interface"),
    "pipelines/statistics/sums.py": ("pipelines.aws.clients", "pipelines is built in layers"),
    "pipelines/monitoring/check.py": ("pipelines.views.lineage.text", "pipelines is built in layers"),
    "pipelines/datasets/__init__.py": ("pipelines.monitoring.check", "pipelines is built in layers"),
    "mooring/checks.py": ("ministack", "ministack and moto stay in mooring.embedded"),
    "functions/take_lease/handler.py": ("functions.plan_run.handler", "functions never import each other"),
}
"""File -> what it is made to import, and the contract that this must break."""


def test_contracts_hold(checkout: Path) -> None:
    ran = lint(checkout)
    assert ran.returncode == 0, ran.stdout


def test_forbidden_imports_break_their_contracts(checkout: Path) -> None:
    for place, (module, _) in PLANTED.items():
        file = checkout / place
        file.write_text(f"import {module}\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    new = checkout / "pipelines" / "new_package"
    new.mkdir()
    (new / "__init__.py").touch()
    ran = lint(checkout)
    assert ran.returncode == 1
    found = [line.strip() for line in ran.stdout.splitlines()]
    for place, (module, contract) in PLANTED.items():
        assert any(line.startswith(contract) and "BROKEN" in line for line in found), contract
        importer = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert any(f"{importer} -> {module}" in line for line in found), f"{importer} -> {module}"


def test_package_without_a_layer_breaks_the_contract(checkout: Path) -> None:
    new = checkout / "pipelines" / "new_package"
    new.mkdir()
    (new / "__init__.py").touch()
    ran = lint(checkout)
    assert ran.returncode == 1
    assert "- pipelines.new_package" in ran.stdout.splitlines()
