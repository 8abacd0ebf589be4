"""The documents of the step *validate*, on any mount of its outputs."""

import errno
import json
import os
from pathlib import Path

import pytest

from pipelines.interface.records import RowCount
from pipelines.jobs.steps.validate import write_document
from pipelines.jobs.validation.violations import ExamplesReport


def test_document_is_written_whole_and_leaves_no_other_file(tmp_path: Path) -> None:
    write_document(tmp_path, "validation", RowCount(rows=1))
    write_document(tmp_path, "validation", RowCount(rows=2))
    assert json.loads((tmp_path / "validation/validation.json").read_text()) == {"rows": 2}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["validation.json"]


def test_document_is_copied_into_a_folder_of_another_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source), None, str(target))

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(os, "replace", rename)
    write_document(tmp_path, "examples", ExamplesReport(examples=()))
    assert json.loads((tmp_path / "validation/examples.json").read_text()) == {"examples": [], "format": 1}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["examples.json"]
