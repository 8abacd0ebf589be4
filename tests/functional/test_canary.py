"""One subject's value followed through everything: committed, trained on, refused by the contract, and forgotten.

The jobs' programs and the flow's functions are the real ones; moto keeps what they leave.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.datasets.commits.commits import Commit
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import take_from_event
from pipelines.flows.retraining.plan import plan_run
from pipelines.flows.retraining.register import judge_candidate, register_candidate
from pipelines.interface import jobs, keys
from pipelines.interface.paths import run_prefix
from pipelines.models import flights
from tests.support import laptop
from tests.support.scene import CANARY, Scene, scene
from tests.support.world import ENVIRONMENT, MODEL, PACKAGES_URI

__all__ = ["scene"]

EVERY = 4
"""Of the months' rows: enough for the contract, few enough for a test."""


@dataclass
class Life:
    """A model whose dataset has one column more than the example's: who flew, which must be unique."""

    scene: Scene
    program: Path
    told: list[str] = field(default_factory=list)

    def commit(self, message: str, *, canary_in: tuple[int, ...]) -> Commit:
        """Three months; in each of ``canary_in`` one passenger is the canary."""
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

    def run(self, number: int) -> tuple[str, str]:
        """One retraining from plan to end; gives its id and its outcome."""
        services, folder = self.scene.world.services, self.program / f"run{number}"
        execution = ENVIRONMENT.arn("states", f"execution:{ENVIRONMENT.state_machine('retraining')}:{number}")
        event: dict[str, Any] = {
            "model": MODEL.name,
            "execution": execution,
            "started": f"2026-03-0{number}T10:00:00.123Z",
            "trigger": {"kind": "person", "id": f"t{number}", "by": "ann", "reason": "test"},
        }
        event["lease"] = take_from_event(event, services)
        event["plan"] = plan_run(event, services, packages_uri=PACKAGES_URI)
        run_id = str(event["plan"]["run_id"])
        dataset = self.scene.dataset()
        commit = dataset.read_commit(event["plan"]["commit"])
        dataset.checkout(commit, folder / "files")
        laptop.lay_out(folder, {file.path: folder / "files" / file.path for file in commit.files})
        shutil.copytree(self.program / "program", folder / "program")
        ran = laptop.validate(folder, "late_arrival", "late", folder / "program" / "contract.yaml")
        self.told += [ran.stdout, ran.stderr]
        self._upload(folder, run_id, "validate")
        if ran.returncode:
            cause = {"Error": "States.TaskFailed", "Cause": f'{{"ExitMessage": "{_message(folder)}"}}'}
            finish_run({**event, "outcome": "failed", "cause": cause}, services)
            return run_id, "failed"
        trained = laptop.run(
            *(folder / "program" / "train.py", "--training", folder / "training"),
            *("--model-dir", folder / "model", "--target", "late"),
        )
        assert trained.returncode == 0, trained.stderr
        shutil.make_archive(str(folder / "model"), "gztar", folder / "model")
        evaluated = laptop.run(
            *(
                "-m",
                "pipelines.jobs.steps.evaluate",
                "--training",
                folder / "training",
                "--holdout",
                folder / "holdout",
            ),
            *("--candidate", folder, "--contract", folder / "program" / "contract.yaml", "--output", folder),
            *("--message-file", folder / "message", "--task", "classification", "--target", "late", "--metric", "auc"),
        )
        assert evaluated.returncode == 0, evaluated.stderr
        self.told += [each for done in (trained, evaluated) for each in (done.stdout, done.stderr)]
        self._upload(folder, run_id, "evaluate")
        key = f"{run_prefix(MODEL.name, run_id)}model/job/output/model.tar.gz"
        services.bucket("artifacts").write(key, (folder / "model.tar.gz").read_bytes())
        judged = judge_candidate(event, services)
        assert judged["accepted"], judged["reasons"]
        registered = register_candidate(event, services)
        finish_run({**event, "outcome": "registered", "package_arn": registered["package_arn"]}, services)
        return run_id, "registered"

    def _upload(self, folder: Path, run_id: str, step: str) -> None:
        for name, target in jobs.OUTPUTS[step].items():
            for path in (folder / name).glob("*"):
                key = f"{run_prefix(MODEL.name, run_id)}{target}/{path.name}"
                self.scene.put("artifacts", key, path.read_bytes())

    def unerasable(self) -> list[str]:
        """Where the canary stands among what nobody erases: ledger, audit bucket, alerts, events, what jobs print."""
        self.told += self.scene.world.alerts()
        kept = [name for name in self.scene.where(CANARY) if name.startswith(("ledger", "audit"))]
        return kept + [text for text in (*self.told, repr(self.scene.world.bus.events)) if CANARY in text]


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


def test_value_of_a_subject_is_only_where_it_can_be_erased_and_then_nowhere(life: Life) -> None:
    scene = life.scene
    first = life.commit("first", canary_in=(2,))
    trained, outcome = life.run(1)
    assert outcome == "registered"
    broken = life.commit("twice", canary_in=(2, 3))
    refused, outcome = life.run(2)
    assert outcome == "failed"
    item = scene.world.item(keys.model_pk(MODEL.name), keys.run_sk(refused))
    assert "passenger" in item["cause"]
    held = scene.where(CANARY)
    runs = f"artifacts/{run_prefix(MODEL.name, '')}"[:-1]
    assert f"{runs}{trained}/data/training/rows.csv.gz unpacked" in held
    assert f"{runs}{refused}/validation/examples.json" in held
    assert sum(name.startswith("data/datasets/flights/objects/") for name in held) == 2
    assert life.unerasable() == []
    assert any("retraining failed" in text or "violations" in text for text in life.told), "nobody was told"

    done = scene.forget()

    assert scene.where(CANARY) == []
    assert life.unerasable() == []
    assert {entry["run_id"] for entry in done.runs} == {trained, refused}
    assert done.packages == [scene.world.item(keys.model_pk(MODEL.name), keys.run_sk(trained))["package_arn"]]
    assert set(done.commits) == {first.id, broken.id}
    assert scene.dataset().verify() == []
