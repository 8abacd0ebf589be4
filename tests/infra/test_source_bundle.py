"""A model's source is the same bytes for the same files, and has all that its jobs import."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from infra.app import ROOT
from infra.model_source import SourceMissingError, bundle

JOBS = (
    *("pipelines.jobs.steps.validate", "pipelines.jobs.steps.evaluate", "pipelines.jobs.evaluation.score"),
    *("pipelines.jobs.validation.check", "pipelines.jobs.validation.split", "train", "inference"),
)


def test_source_bundle_is_the_same_bytes_every_time() -> None:
    assert bundle.__wrapped__(ROOT, "late_arrival") == bundle.__wrapped__(ROOT, "late_arrival")


def test_source_bundle_names_the_missing_file() -> None:
    with pytest.raises(SourceMissingError, match=r"pipelines/models/no_such/train\.py"):
        bundle(ROOT, "no_such")


@pytest.mark.parametrize("program", ["late_arrival", "air_time"])
def test_jobs_import_from_their_source_only(tmp_path: Path, program: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle(ROOT, program))) as archive:
        archive.extractall(tmp_path, filter="data")
    code = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path)!r})
for name in {JOBS!r}:
    importlib.import_module(name)
ours = [module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "pipelines"]
sys.exit("; ".join(file for file in ours if not file.startswith({str(tmp_path)!r})) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_source_of_a_model_has_no_code_of_commits_and_landing() -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle(ROOT, "late_arrival"))) as archive:
        names = archive.getnames()
    assert "pipelines/jobs/validation/data_contract/contract.py" in names
    assert not [
        name for name in names if name.startswith(("pipelines/datasets/commits/", "pipelines/datasets/landing/"))
    ]
