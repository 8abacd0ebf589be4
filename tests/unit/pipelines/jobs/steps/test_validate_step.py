"""What the step *validate* leaves, wherever its outputs are mounted."""

import errno
import json
import os
from pathlib import Path

import pytest

from pipelines.jobs.steps.validate import write_document


def test_a_document_comes_whole_and_alone(tmp_path: Path) -> None:
    write_document(tmp_path, "validation", {"rows": 1})
    write_document(tmp_path, "validation", {"rows": 2})
    assert json.loads((tmp_path / "validation/validation.json").read_text()) == {"rows": 2}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["validation.json"]


def test_a_document_comes_into_a_folder_of_another_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source), None, str(target))

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(os, "replace", rename)
    write_document(tmp_path, "examples", {"examples": []})
    assert json.loads((tmp_path / "validation/examples.json").read_text()) == {"examples": []}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["examples.json"]
