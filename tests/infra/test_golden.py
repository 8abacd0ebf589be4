"""The templates are the golden ones: what a change does to an environment stands in its review."""

import os
import subprocess
import sys
from pathlib import Path

from infra.app import ROOT
from tests.infra.golden import FOLDER, current


def test_templates_are_the_golden_ones() -> None:
    golden = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    differing = [name for name, text in current().items() if golden.get(name) != text]
    assert differing == [], "if you meant this: make golden, and look at its diff"
    assert set(golden) == set(current()), "if you meant this: make golden"


def test_two_processes_synthesize_the_same_bytes(tmp_path: Path) -> None:
    outputs = [tmp_path / "first", tmp_path / "second"]
    for seed, output in enumerate(outputs):
        environ = {**os.environ, "CDK_OUTDIR": str(output), "PYTHONHASHSEED": str(seed), "CDK_VALIDATION": "false"}
        subprocess.run([sys.executable, "-m", "infra.app"], cwd=ROOT, env=environ, check=True, capture_output=True)
    first, second = ({path.name: path.read_bytes() for path in folder.glob("*.json")} for folder in outputs)
    first.pop("tree.json", None)
    second.pop("tree.json", None)
    assert [name for name in first if first[name] != second.get(name)] == []
    assert first.keys() == second.keys()
