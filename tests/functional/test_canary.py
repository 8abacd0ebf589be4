"""Tests where one subject's value goes: committed, trained on, refused by the contract, and forgotten.

The jobs' programs and the flow's functions are the real ones; moto keeps what they write.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from pipelines.datasets.commits.commits import Commit
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import take_lease
from pipelines.flows.retraining.plan import plan_run
from pipelines.flows.retraining.register import judge_candidate, register_candidate
from pipelines.interface import jobs, keys
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import RunOutcome, Trigger
from pipelines.interface.requests import FinishRunRequest, LeaseRequest, PlannedRun, PlanRequest, RegisterRequest
from pipelines.models import flights
from tests.support import laptop
from tests.support.scene import CANARY, Scene, scene
from tests.support.world import ENVIRONMENT, MODEL, PACKAGES_URI

__all__ = ["scene"]

EVERY = 4
"""Step between the rows of a month that are used: enough rows for the contract, few enough for a test."""


@dataclass
class Life:
    """A model whose dataset has one column more than the example: the passenger, which must be unique.

    ``printed`` is what jobs and functions print, and the alerts.
    """

    scene: Scene
    program: Path
    printed: list[str] = field(default_factory=list)

    def commit(self, message: str, *, canary_in: tuple[int, ...]) -> Commit:
        """Commit three months; in each of ``canary_in`` one passenger is the canary."""
        files = {}
        for month in (1, 2, 3):
            rows = flights.month_rows(month)[::EVERY].reset_index(drop=True)
            rows["passenger"] = [f"p{month}-{at}" for at in rows.index]
            if month in canary_in:
                rows.loc[7, "passenger"] = CANARY
            files[flights.month_name(month)] = self._packed(rows, month)
        return self.scene.commit(message, files)

    def _packed(self, rows: pd.DataFrame, month: int) -> bytes:
        place = self.program / f"{month}.csv.gz"
        rows.to_csv(place, index=False, compression={"method": "gzip", "mtime": 0})
        return place.read_bytes()

    def run(self, number: int) -> tuple[str, RunOutcome]:
        """Retrain once from plan to end; return the run's id and its outcome."""
        services, folder = self.scene.world.services, self.program / f"run{number}"
        execution = ENVIRONMENT.arn("states", f"execution:{ENVIRONMENT.state_machine('retraining')}:{number}")
        trigger = Trigger(kind="person", id=f"t{number}", by="ann", reason="test")
        started = f"2026-03-0{number}T10:00:00.123Z"
        request = LeaseRequest(model=MODEL.name, trigger=trigger, execution=execution, started=started)
        lease = take_lease(request, services)
        planning = PlanRequest(model=MODEL.name, trigger=trigger, lease=lease, execution=execution)
        plan = plan_run(planning, services, packages_uri=PACKAGES_URI)
        run_id = plan.run_id
        dataset = self.scene.dataset()
        commit = dataset.read_commit(plan.commit)
        dataset.checkout(commit, folder / "files")
        laptop.lay_out(folder, {file.path: folder / "files" / file.path for file in commit.files})
        shutil.copytree(self.program / "program", folder / "program")
        ran = laptop.validate(folder, "late_arrival", "late", folder / "program" / "contract.yaml")
        self.printed += [ran.stdout, ran.stderr]
        self._upload(folder, run_id, "validate")
        if ran.returncode:
            cause = {"Error": "States.TaskFailed", "Cause": f'{{"ExitMessage": "{_message(folder)}"}}'}
            failed = FinishRunRequest(model=MODEL.name, execution=execution, outcome=RunOutcome.FAILED, cause=cause)
            finish_run(failed, services)
            return run_id, RunOutcome.FAILED
        trained = laptop.run(
            *(folder / "program" / "train.py", "--training", folder / "training"),
            *("--model-dir", folder / "model", "--target", "late"),
        )
        assert trained.returncode == 0, trained.stderr
        shutil.make_archive(str(folder / "model"), "gztar", folder / "model")
        evaluated = laptop.run(
            *("-m", "pipelines.jobs.steps.evaluate"),
            *("--training", folder / "training", "--holdout", folder / "holdout"),
            *("--candidate", folder, "--contract", folder / "program" / "contract.yaml", "--output", folder),
            *("--message-file", folder / "message", "--task", "classification", "--target", "late", "--metric", "auc"),
        )
        assert evaluated.returncode == 0, evaluated.stderr
        self.printed += [text for ran in (trained, evaluated) for text in (ran.stdout, ran.stderr)]
        self._upload(folder, run_id, "evaluate")
        key = f"{RunFiles(MODEL.name, run_id).models}job/output/model.tar.gz"
        services.bucket("artifacts").write(key, (folder / "model.tar.gz").read_bytes())
        verdict = judge_candidate(PlannedRun(model=MODEL.name, plan=plan), services)
        assert verdict.accepted, verdict.reasons
        registering = RegisterRequest(model=MODEL.name, plan=plan, verdict=verdict, lease=lease, execution=execution)
        package = register_candidate(registering, services)
        registered = FinishRunRequest(
            model=MODEL.name,
            execution=execution,
            outcome=RunOutcome.REGISTERED,
            package_arn=package.package_arn,
        )
        finish_run(registered, services)
        return run_id, RunOutcome.REGISTERED

    def _upload(self, folder: Path, run_id: str, step: str) -> None:
        files = RunFiles(MODEL.name, run_id)
        prefixes = {"run_uri": files.prefix, "scratch_uri": files.scratch}
        for name, (base, target) in jobs.OUTPUTS[step].items():
            for path in (folder / name).glob("*"):
                key = f"{prefixes[base]}{target}/{path.name}"
                self.scene.put("artifacts", key, path.read_bytes())

    def unerasable(self) -> list[str]:
        """Return where the canary is in what nobody erases: ledger, audit bucket, alerts, events, what jobs print."""
        self.printed += self.scene.world.alerts()
        kept = [name for name in self.scene.where(CANARY) if name.startswith(("ledger", "audit"))]
        return kept + [text for text in (*self.printed, repr(self.scene.world.bus.events)) if CANARY in text]


def _message(folder: Path) -> str:
    return (folder / "message").read_text().replace('"', "'")


@pytest.fixture
def life(scene: Scene, tmp_path: Path) -> Life:
    example, program = laptop.REPOSITORY / "pipelines" / "models" / "late_arrival", tmp_path / "program"
    program.mkdir()
    for name in ("train.py", "inference.py"):
        shutil.copy(example / name, program)
    contract = (example / "contract.yaml").read_text()
    contract = contract.replace("columns:\n", "columns:\n  passenger: {role: record, type: category, unique: true}\n")
    (program / "contract.yaml").write_text(contract)
    return Life(scene=scene, program=tmp_path)


def test_value_of_a_subject_is_only_where_it_can_be_erased_and_nowhere_afterwards(
    life: Life, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = life.scene
    first = life.commit("first", canary_in=(2,))
    trained, outcome = life.run(1)
    assert outcome == RunOutcome.REGISTERED
    broken = life.commit("twice", canary_in=(2, 3))
    refused, outcome = life.run(2)
    assert outcome == RunOutcome.FAILED
    assert "passenger" in scene.world.item(keys.run(MODEL.name, refused)).cause
    life.printed.append(capsys.readouterr().out)
    assert "run planned" in life.printed[-1], "the functions' log is looked at too"
    held = scene.where(CANARY)
    assert f"artifacts/{RunFiles(MODEL.name, trained).training_data}rows.csv.gz unpacked" in held
    assert f"artifacts/{RunFiles(MODEL.name, refused).prefix}validation/examples.json" in held
    assert sum(name.startswith("data/datasets/flights/objects/") for name in held) == 2
    assert life.unerasable() == []
    notices = ("retraining failed", "violations")
    assert any(notice in text for notice in notices for text in life.printed), "nothing was printed or alerted"

    done = scene.forget()

    assert scene.where(CANARY) == []
    assert life.unerasable() == []
    assert {run.run_id for run in done.runs} == {trained, refused}
    assert done.packages == [scene.world.item(keys.run(MODEL.name, trained)).package_arn]
    assert set(done.commits) == {first.id, broken.id}
    assert scene.dataset().verify() == []
