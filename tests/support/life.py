"""A model's life for tests: the flow's own functions one after the other; what jobs report is written by hand."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.flows.release.approve import approve_package
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import take_from_event
from pipelines.flows.retraining.plan import plan_run
from pipelines.flows.retraining.register import register_candidate
from pipelines.interface import keys
from pipelines.interface.paths import run_prefix
from pipelines.interface.release_state import ReleaseState
from tests.support.world import ENVIRONMENT, MODEL, PACKAGES_URI, World, serve

PK = keys.model_pk(MODEL.name)


@dataclass
class Life:
    """What happens to a model, in the flow's own functions; the jobs' reports are written by hand."""

    world: World
    folder: Path
    runs: int = 0

    def commit(self, name: str) -> Commit:
        dataset = Dataset.in_environment(
            ENVIRONMENT, "flights", s3=self.world.client("s3"), dynamodb=self.world.client("dynamodb")
        )
        (self.folder / name).write_text(f"carrier,late\nUA,{len(name)}\n")
        return dataset.commit({name: self.folder / name}, author="alice", message=f"adds {name}")

    def planned(self, **trigger: Any) -> dict[str, Any]:
        """A run up to its plan; returns what the flow has come to."""
        self.runs += 1
        services, execution = self.world.services, ENVIRONMENT.arn("states", f"execution:retraining:{self.runs}")
        request = {
            "model": MODEL.name,
            "trigger": {"kind": "person", "id": f"t{self.runs}", "by": "alice", "reason": "again", **trigger},
            "execution": execution,
            "started": f"2026-03-01T{10 + self.runs // 4}:{self.runs % 4 * 15:02}:00Z",
        }
        event: dict[str, Any] = {**request, "lease": take_from_event(request, services)}
        event["plan"] = plan_run(event, services, packages_uri=PACKAGES_URI)
        return event

    def evaluated(self, event: dict[str, Any], *, auc: float) -> None:
        artifacts, prefix = self.world.services.bucket("artifacts"), run_prefix(MODEL.name, event["plan"]["run_id"])
        name = f"{MODEL.name}-train-{event['plan']['job_id']}-0"
        artifacts.write(f"{prefix}model/{name}/output/model.tar.gz", b"model")
        evaluation = {
            "metric": "auc",
            "rows": 1000,
            "candidate": {"auc": auc, "brier": 0.2},
            "candidate_sha256": "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4",
            "candidate_content_sha256": "c" * 64,
            "segments": [{"column": "tail", "value": "N12345", "rows": 300}],
        }
        validation = {
            "commit": event["plan"]["commit"],
            "files": 1,
            "rows": 1200,
            "violations": [{"column": "temp", "rule": "max", "count": 3, "examples": ["N12345"]}],
            "training": {"rows": 200, "months": ["2013-01"]},
            "holdout": {"rows": 1000, "months": ["2013-02"]},
        }
        artifacts.write_json(f"{prefix}evaluation/evaluation.json", evaluation)
        artifacts.write_json(f"{prefix}validation/validation.json", validation)

    def jobs(self, event: dict[str, Any]) -> dict[str, Any]:
        """What the flow keeps of the jobs that completed."""
        job_id = event["plan"]["job_id"]
        return {
            "validate": {"ProcessingJobName": f"{MODEL.name}-validate-{job_id}-0"},
            "train": {"TrainingJobName": f"{MODEL.name}-train-{job_id}-0"},
            "evaluate": {"ProcessingJobName": f"{MODEL.name}-evaluate-{job_id}-0"},
        }

    def registered(self, *, auc: float = 0.7) -> int:
        event = self.planned()
        self.evaluated(event, auc=auc)
        package = register_candidate({**event, "verdict": {}}, self.world.services)
        state = {"jobs": self.jobs(event)}
        ended = {"model": MODEL.name, "execution": event["execution"], "outcome": "registered", "state": state}
        finish_run({**ended, "package_arn": package["package_arn"]}, self.world.services)
        return int(package["version"])

    def failed(self) -> None:
        event = self.planned()
        cause = {"TrainingJobName": f"{MODEL.name}-train-{event['plan']['job_id']}-2", "FailureReason": "out of memory"}
        state = {"jobs": {"validate": self.jobs(event)["validate"]}}
        finish_run(
            {
                "model": MODEL.name,
                "execution": event["execution"],
                "outcome": "failed",
                "state": state,
                "cause": {"Error": "States.TaskFailed", "Cause": json.dumps(cause)},
            },
            self.world.services,
        )

    def released(self, version: int) -> None:
        arn, services = self.arn(version), self.world.services
        approve_package({"package_arn": arn, "by": "bob", "comment": "looks good"}, services)
        release = {"release_id": f"r{version}", "package_arn": arn, "by": "approval", "rollback": False}
        services.ledger.record(PK, keys.release_sk(f"r{version}"), {**release, "outcome": "released"})
        champion = {"package_arn": arn, "version": version, "release_id": f"r{version}"}
        champion["since"] = "2026-03-01T12:00:00Z"
        services.ledger.record(PK, keys.CHAMPION, champion)
        services.put_parameter(MODEL.release_parameter, ReleaseState(champion=arn).to_value())
        serve(self.world, arn, str(version))

    def checked(self, version: int, number: int, outcome: str) -> None:
        check: dict[str, Any] = {
            "check_id": f"c{number:03}",
            "outcome": outcome,
            "package_arn": self.arn(version),
            "version": version,
        }
        check |= {"end": f"2026-03-02T{number:02}:00:00Z", "rows": 500, "findings": ["N12345 is unknown"]}
        check["worst"] = [{"name": "temp", "psi": 1.5}] if outcome == "drift" else []
        self.world.services.ledger.record(PK, keys.check_sk(check["check_id"]), check)

    def arn(self, version: int) -> str:
        return ENVIRONMENT.arn("sagemaker", f"model-package/{MODEL.package_group}/{version}")
