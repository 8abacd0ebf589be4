"""Retrains the models that a change touches, in an environment on the runner, on the repository's samples."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from infra import fleet as fleets
from infra.fleet import FleetEnvironment
from infra.fleet.spec import ModelSpec
from mooring.cdk import fleet_file
from mooring.ci.inputs import Trial
from mooring.ci.samples import FOLDER, compare_samples, sample_files
from mooring.errors import MooringError
from mooring.runs import RunResult
from pipelines.interface.codec import read, to_json

JOB_CODE = ("pipelines/jobs", "pipelines/statistics", "pipelines/tables")
"""Folders whose code runs in every model's jobs."""
TRAINED_BY = (
    *("dataset", "task", "target", "time_column", "window_months", "holdout_months", "image"),
    *("training", "processing", "gate", "hyperparameters"),
)
"""Settings that decide how a retraining ends."""


def try_environment(
    environment: FleetEnvironment, change: Path, target: Path, output: Path, *, say: Callable[[str], Any]
) -> Iterator[Path]:
    """Retrain the models that differ from the work tree ``target``; yield each file that is written for the comment.

    Samples are committed first. A model without samples is not retrained, and its file says so.
    """
    name = environment.names.id
    committed = set()
    for dataset in sorted({model.dataset for model in environment.team.models}):
        if difference := compare_samples(name, dataset, target, change):
            yield _write(output / f"data-{name}-{dataset}.json", difference)
        if sample_files(change, dataset):
            say(f"committing the samples of {dataset}")
            folder = str(change / FOLDER / dataset)
            _mooring("data", "commit", name, dataset, folder, "--replace", "-m", "Samples of the change")
            committed.add(dataset)
    before = _target_models(environment, target)
    for model in environment.team.models:
        why = "; ".join(reasons_to_retrain(environment, model, before.get(model.name), change, target))
        if why:
            say(f"{model.name}: {why}")
            trial = _retrain(environment, model, why, has_samples=model.dataset in committed)
            yield _write(output / f"retraining-{name}-{model.name}.json", trial)


def _target_models(environment: FleetEnvironment, target: Path) -> dict[str, FleetEnvironment]:
    """Return the environment of the target branch by the names of its models; empty if the branch has none."""
    path = target / fleet_file().name
    try:
        found = fleets.load(path).environment(environment.names.id)
    except fleets.FleetError:
        return {}
    return {model.name: found for model in found.team.models}


def reasons_to_retrain(
    environment: FleetEnvironment, model: ModelSpec, before: FleetEnvironment | None, change: Path, target: Path
) -> Iterator[str]:
    """Yield why a retraining of the model may end otherwise than on the target branch."""
    if before is None:
        yield "it is new"
        return
    old = next(each for each in before.team.models if each.name == model.name)
    settings = [
        {name: value for name, value in to_json(where.model_settings(each, code_uri="")).items() if name in TRAINED_BY}
        for where, each in ((before, old), (environment, model))
    ]
    if different := [name for name in TRAINED_BY if settings[0][name] != settings[1][name]]:
        yield f"its settings differ: {', '.join(different)}"
    program = f"pipelines/models/{model.program_folder}"
    if old.program_folder != model.program_folder or _digest(change / program) != _digest(target / program):
        yield "its program differs"
    if any(_digest(change / folder) != _digest(target / folder) for folder in JOB_CODE):
        yield "the code of all models' jobs differs"
    samples = f"{FOLDER}/{model.dataset}"
    if _digest(change / samples) != _digest(target / samples):
        yield f"the samples of {model.dataset} differ"


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return found.hexdigest()


def _retrain(environment: FleetEnvironment, model: ModelSpec, why: str, *, has_samples: bool) -> Trial:
    gate = environment.model_settings(model, code_uri="").gate
    name = environment.names.id
    if not has_samples:
        reason = f"There are no samples in {FOLDER}/{model.dataset}."
        return Trial(environment=name, model=model.name, why=why, gate=gate, reasons=(reason,))
    ended = (0, 2, 3)
    text = _mooring("retrain", name, model.name, "--reason", why, "--wait", "--json", accepted=ended)
    result = read(RunResult, {key: value for key, value in json.loads(text).items() if key != "asked"})
    return Trial(
        environment=name,
        model=model.name,
        why=why,
        gate=gate,
        ending=result.ending,
        rows=result.rows,
        value=result.value,
        champion=result.champion_value,
        gain=result.gain,
        reasons=result.reasons,
    )


def _mooring(*arguments: str, accepted: Sequence[int] = (0,)) -> str:
    """Run a command of ours as the workflow would, and return its output.

    Raises
    ------
    MooringError
        It ended with another exit code than ``accepted``.
    """
    done = subprocess.run([sys.executable, "-m", "mooring", *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in accepted:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise MooringError(f"mooring {' '.join(arguments[:2])} ended with {done.returncode}: {last}")
    return done.stdout


def _write(path: Path, record: object) -> Path:
    path.write_text(json.dumps(to_json(record), indent=2) + "\n", encoding="utf-8")
    return path
