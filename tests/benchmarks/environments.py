"""Runs each rival in an environment of its own, because their requirements conflict."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
RIVALS = {
    "evidently": ("evidently==0.7.23", "pandas<3"),
    "nannyml": ("nannyml==0.13.1", "statsmodels"),
    "whylogs": ("whylogs[viz]==1.6.4", "pandas<3", "numpy<2"),
}
QUIET = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1", "WHYLOGS_NO_ANALYTICS": "True"}


def python_of(rival: str) -> Path:
    """Return the interpreter of the rival's environment; create the environment if needed."""
    folder = FOLDER / rival
    if not (folder / ".done").exists():
        print(f"making build/bench/{rival}", flush=True)
        subprocess.run(["uv", "venv", "-q", "--clear", "-p", "3.11", str(folder)], check=True)
        install = ["uv", "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *RIVALS[rival]]
        subprocess.run(install, check=True)
        (folder / ".done").touch()
    return folder / "bin" / "python"


def run(rival: str, module: str, *arguments: str) -> str:
    """Run a module in the rival's environment from the repository's root; return its last line."""
    environment = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
    command = [str(python_of(rival)), "-W", "ignore", "-m", module, *arguments]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{rival}: {ran.stderr.strip()[-2000:]}")
    return ran.stdout.strip().splitlines()[-1]


def ask(rival: str, commands: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a rival's versions and its answers to the commands; see ``rivals.rival``."""
    answer: dict[str, Any] = json.loads(run(rival, f"tests.benchmarks.rivals.{rival}_drift", json.dumps(commands)))
    return answer
