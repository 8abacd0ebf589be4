"""Runs the jobs' programs on this machine as SageMaker does: by their command lines, in separate processes."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, TypeVar

from pipelines.datasets.commits.commits import Commit
from pipelines.datasets.commits.sources import LocalSource
from pipelines.interface.codec import read_json
from pipelines.models import flights

R = TypeVar("R")

REPOSITORY = Path(__file__).resolve().parents[2]
RUN, TRAINING_JOB = "20260101T000000Z-123456789abc", "train-123456789abc"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    env = {**os.environ, "MOORING_RUN": RUN, "TRAINING_JOB_NAME": TRAINING_JOB}
    return subprocess.run(command, env=env, capture_output=True, text=True, cwd=REPOSITORY, check=False)


def lay_out(folder: Path, files: dict[str, Path]) -> None:
    """Write the inputs of the validate step: objects by digest, and commit.json."""
    described = [LocalSource(place).describe(path) for path, place in files.items()]
    commit = Commit.of("flights", described, parent=None, author="test", time="2026-01-01T00:00:00Z", message="months")
    (folder / "data").mkdir(parents=True)
    (folder / "commit").mkdir()
    for file in commit.files:
        (folder / "data" / file.sha256).write_bytes(files[file.path].read_bytes())
    (folder / "commit" / "commit.json").write_text(json.dumps(commit.to_document()))


def write_months(folder: Path, months: range, *, every: int = 1) -> dict[str, Path]:
    """Write every ``every``-th row of the flights' months; return the files by logical name."""
    if every == 1:
        return flights.write_months(folder, list(months))
    folder.mkdir(parents=True, exist_ok=True)
    files = {flights.month_name(month): folder / flights.month_name(month) for month in months}
    for month in months:
        flights.month_rows(month)[::every].to_csv(files[flights.month_name(month)], index=False)
    return files


def validate(folder: Path, model: str, target: str, contract: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run(
        *("-m", "pipelines.jobs.steps.validate", "--data", folder / "data", "--commit", folder / "commit"),
        *("--contract", contract or f"pipelines/models/{model}/contract.yaml", "--output", folder),
        *("--message-file", folder / "message", "--target", target, "--time-column", "scheduled_departure"),
        *("--window-months", "3", "--holdout-months", "1"),
    )


def train(folder: Path, model: str, target: str) -> subprocess.CompletedProcess[str]:
    ran = run(
        *(f"pipelines/models/{model}/train.py", "--training", folder / "training", "--model-dir", folder / "model"),
        *("--target", target),
    )
    if not ran.returncode:
        with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
            tar.add(folder / "model", arcname=".")
    return ran


def evaluate(
    folder: Path, model: str, *, task: str, target: str, metric: str, champion: Path | None
) -> subprocess.CompletedProcess[str]:
    of_champion = ("--champion", champion, "--champion-version", "1") if champion else ()
    return run(
        *("-m", "pipelines.jobs.steps.evaluate", "--training", folder / "training", "--holdout", folder / "holdout"),
        *("--candidate", folder, "--contract", f"pipelines/models/{model}/contract.yaml", "--output", folder),
        *("--message-file", folder / "message", "--task", task, "--target", target, "--metric", metric),
        *of_champion,
    )


def read(kind: type[R], path: Path) -> R:
    """Return the record that a job wrote."""
    return read_json(kind, path.read_bytes(), path.name)


def log_lines(ran: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return the log that a job wrote, without the times."""
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return [{name: value for name, value in line.items() if name != "time"} for line in lines]
