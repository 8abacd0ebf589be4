"""The package of a Lambda function or a job has exactly the folders that its entry points import."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from infra.app import ROOT
from infra.functions import FUNCTIONS, FunctionSpec
from infra.model_source import PACKAGES, bundle
from infra.synthesis import build, new_app
from tests.infra.test_source_bundle import JOBS
from tests.support.imports import file_of, imported_by
from tests.support.synth import promoting_fleet

ENVIRONMENT = "arrivals-staging-us-east-1"
"""An environment that imports releases and is imported from, so it has all functions."""
IN_THE_LAYER = ["numpy", "msgspec"]
ABSENT = ["pandas", "pyarrow", "pydantic", "scipy", "sklearn", "yaml", "pandera"]
"""Packages of this machine that Lambda's runtime and our layer lack."""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one environment, synthesized from this checkout."""
    folder = tmp_path_factory.mktemp("assembly")
    synthesize(ROOT, folder)
    return folder


def synthesize(root: Path, folder: Path) -> None:
    environment = promoting_fleet().environment(ENVIRONMENT)
    app = new_app(str(folder))
    build(app, environment.narrowed(environment.team.models).fleet, root=root)
    app.synth()


def assets(assembly: Path) -> dict[str, str]:
    """Return the asset hash of each function's code, by the function's name."""
    template = json.loads((assembly / f"{ENVIRONMENT}-operations.template.json").read_text())
    functions = [found for found in template["Resources"].values() if found["Type"] == "AWS::Lambda::Function"]
    return {
        found["Properties"]["Handler"].split(".")[1]: found["Properties"]["Code"]["S3Key"].removesuffix(".zip")
        for found in functions
    }


def asset(assembly: Path, name: str) -> Path:
    """Return the folder of a function's code; the CDK adds what follows a dot in the checkout's name (mooring-1.0)."""
    (folder,) = assembly.glob(f"asset.{assets(assembly)[name]}*")
    return folder


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def folder_of(path: str) -> str:
    """Return the folder of a file below ``pipelines``, as the rows of ``infra.functions`` name it."""
    return "/".join(path.split("/")[1:-1])


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_package_of_a_function_has_what_it_imports(spec: FunctionSpec, assembly: Path) -> None:
    packaged = files_below(asset(assembly, spec.name))
    imported = {str(file_of(name)) for name in imported_by(spec.handler.rpartition(".")[0])}
    assert imported - packaged == set()
    folders = {folder_of(path) for path in imported if path.startswith("pipelines/")}
    unused = [name for name in spec.packages if not any(f"{folder}/".startswith(f"{name}/") for folder in folders)]
    assert unused == []
    listed = tuple(f"pipelines/{name}/" for name in spec.packages)
    parents = {f"pipelines/{'/'.join(name.split('/')[:depth])}" for name in spec.packages for depth in (0, 1)}
    allowed = {f"{parent.rstrip('/')}/__init__.py" for parent in parents}
    stray = [
        path
        for path in packaged - allowed - {"functions/__init__.py"}
        if not path.startswith((f"functions/{spec.name}/", *listed))
    ]
    assert stray == []


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_function_imports_from_its_package_and_its_layer_only(spec: FunctionSpec, assembly: Path) -> None:
    package = asset(assembly, spec.name)
    program = f"""
import importlib, sys
sys.path.insert(0, {str(package)!r})
for name in {[*ABSENT, *([] if spec.layer else IN_THE_LAYER)]!r}:
    sys.modules[name] = None
importlib.import_module({spec.handler.rpartition(".")[0]!r})
ours = [module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] in ("functions", "pipelines")]
assert all(file.startswith({str(package)!r}) for file in ours), ours
assert any(sys.modules.get(name) for name in {IN_THE_LAYER!r}) == {spec.layer}
"""
    ran = subprocess.run([sys.executable, "-P", "-c", program], cwd="/", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_bundle_of_a_model_has_what_its_jobs_import() -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle(ROOT, "late_arrival"))) as archive:
        packaged = {name for name in archive.getnames() if name.endswith(".py")}
    entries = [name if "." in name else f"pipelines.models.late_arrival.{name}" for name in JOBS]
    imported = {str(file_of(name)) for entry in entries for name in imported_by(entry)}
    assert imported - packaged == set()
    folders = {folder_of(path).partition("/")[0] for path in imported} - {"", "models"}
    assert folders == set(PACKAGES)


def checkout(folder: Path) -> Path:
    """Copy the folders that synthesis reads; return the copy."""
    for name in ("functions", "pipelines"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("checkout"))


@pytest.mark.parametrize(
    ("path", "functions"),
    [
        ("pipelines/datasets/landing/landing.py", {"land_files"}),
        ("pipelines/flows/retraining/gates.py", {spec.name for spec in FUNCTIONS if spec.flow == "retraining"}),
        ("pipelines/views/lineage/text.py", set()),
    ],
    ids=["landing", "gates", "lineage"],
)
def test_edit_changes_the_code_of_these_functions_only(
    path: str, functions: set[str], edited: Path, assembly: Path, tmp_path: Path
) -> None:
    file = edited / path
    before = file.read_text(encoding="utf-8")
    file.write_text(before + "\n# a line more\n", encoding="utf-8")
    try:
        synthesize(edited, tmp_path)
    finally:
        file.write_text(before, encoding="utf-8")
    old, new = assets(assembly), assets(tmp_path)
    assert {name for name in old if old[name] != new[name]} == functions


def test_edit_of_the_ledger_changes_no_source_of_a_model(edited: Path) -> None:
    before = bundle.__wrapped__(edited, "late_arrival")
    file = edited / "pipelines" / "aws" / "ledger.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n# a line more\n", encoding="utf-8")
    assert bundle.__wrapped__(edited, "late_arrival") == before
