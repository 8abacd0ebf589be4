"""Drives a model's life through the flows' own functions; the jobs' reports and the checks are written by hand."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.flows.release.approve import approve_package
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import take_lease
from pipelines.flows.retraining.plan import plan_run
from pipelines.flows.retraining.register import register_candidate
from pipelines.interface import keys
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import (
    Champion,
    Check,
    CheckOutcome,
    ColumnChange,
    Leftovers,
    QualityHour,
    QualityOutcome,
    Release,
    ReleaseOutcome,
    RunOutcome,
    SegmentEvaluation,
    SplitRecord,
    Trigger,
    ValidationReport,
    ViolationRecord,
)
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.requests import (
    ApproveRequest,
    FinishRunRequest,
    LeaseGrant,
    LeaseRequest,
    PlannedRun,
    PlanRequest,
    RegisterRequest,
    RunPlan,
    Verdict,
)
from tests.support.evaluations import evaluation
from tests.support.world import ENVIRONMENT, MODEL, PACKAGES_URI, World, serve

ARTIFACT = b"model"
VALUE_OF_A_ROW = "N12345"
"""Value that the evaluation's segments and the checks' findings hold, and that no lineage may show."""


@dataclass(frozen=True, kw_only=True)
class PlannedExecution:
    """An execution of the retraining flow up to its plan."""

    execution: str
    lease: LeaseGrant
    plan: RunPlan

    @property
    def run(self) -> PlannedRun:
        """The input of the functions after the jobs."""
        return PlannedRun(model=MODEL.name, plan=self.plan)

    @property
    def files(self) -> RunFiles:
        return RunFiles(MODEL.name, self.plan.run_id)

    @property
    def jobs(self) -> Mapping[str, Mapping[str, str]]:
        """The output that the state machine keeps of each completed job, by step."""
        return {
            "validate": {"ProcessingJobName": f"{MODEL.name}-validate-{self.plan.job_id}-0"},
            "train": {"TrainingJobName": f"{MODEL.name}-train-{self.plan.job_id}-0"},
            "evaluate": {"ProcessingJobName": f"{MODEL.name}-evaluate-{self.plan.job_id}-0"},
        }


@dataclass
class Life:
    """The life of ``MODEL``, step by step. ``runs`` counts its runs."""

    world: World
    folder: Path
    runs: int = 0

    def commit(self, name: str) -> Commit:
        dataset = Dataset.in_environment(
            ENVIRONMENT, "flights", s3=self.world.client("s3"), dynamodb=self.world.client("dynamodb")
        )
        (self.folder / name).write_text(f"carrier,late\nUA,{len(name)}\n")
        return dataset.commit({name: self.folder / name}, author="alice", message=f"adds {name}")

    def planned(
        self, *, kind: str = "person", by: str = "alice", reason: str = "again", package_arn: str = ""
    ) -> PlannedExecution:
        """Take the lease and plan a run."""
        self.runs += 1
        services, execution = self.world.services, ENVIRONMENT.arn("states", f"execution:retraining:{self.runs}")
        trigger = Trigger(kind=kind, id=f"t{self.runs}", by=by, reason=reason, package_arn=package_arn)
        started = f"2026-03-01T{10 + self.runs // 4}:{self.runs % 4 * 15:02}:00Z"
        request = LeaseRequest(model=MODEL.name, trigger=trigger, execution=execution, started=started)
        lease = take_lease(request, services)
        planning = PlanRequest(model=MODEL.name, trigger=trigger, lease=lease, execution=execution)
        plan = plan_run(planning, services, packages_uri=PACKAGES_URI)
        return PlannedExecution(execution=execution, lease=lease, plan=plan)

    def evaluated(self, planned: PlannedExecution, *, auc: float) -> None:
        """Write what a run's jobs leave."""
        artifacts, plan, files = self.world.services.bucket("artifacts"), planned.plan, planned.files
        artifacts.write(f"{files.models}{MODEL.name}-train-{plan.job_id}-0/output/model.tar.gz", ARTIFACT)
        segment = SegmentEvaluation(
            column="tail", value=VALUE_OF_A_ROW, rows=300, candidate={"auc": auc}, champion=None
        )
        evaluated = evaluation(
            candidate={"auc": auc, "brier": 0.2},
            candidate_sha256=hashlib.sha256(ARTIFACT).hexdigest(),
            candidate_content_sha256="c" * 64,
            segments=(segment,),
        )
        validated = ValidationReport(
            commit=plan.commit,
            tree="t" * 64,
            outcome="failed",
            contract_sha256="d" * 64,
            files=1,
            rows=1200,
            rules=7,
            violations=(ViolationRecord(column="temp", rule="max", count=3),),
            training=SplitRecord(rows=200, months=("2013-01",)),
            holdout=SplitRecord(rows=1000, months=("2013-02",)),
        )
        artifacts.write_record(files.evaluation, evaluated)
        artifacts.write_record(files.validation, validated)

    def registered(self, *, auc: float = 0.7) -> int:
        """Run the whole flow, and return the version that it registers."""
        planned, services = self.planned(), self.world.services
        self.evaluated(planned, auc=auc)
        request = RegisterRequest(
            model=MODEL.name,
            plan=planned.plan,
            verdict=Verdict(accepted=True, reasons=()),
            lease=planned.lease,
            execution=planned.execution,
        )
        package = register_candidate(request, services)
        end = FinishRunRequest(
            model=MODEL.name,
            execution=planned.execution,
            outcome=RunOutcome.REGISTERED,
            state={"jobs": planned.jobs},
            package_arn=package.package_arn,
        )
        finish_run(end, services)
        return package.version

    def failed(self) -> None:
        """Run the flow up to the third attempt of the training, which fails."""
        planned = self.planned()
        training = f"{MODEL.name}-train-{planned.plan.job_id}-2"
        cause = json.dumps({"TrainingJobName": training, "FailureReason": "out of memory"})
        end = FinishRunRequest(
            model=MODEL.name,
            execution=planned.execution,
            outcome=RunOutcome.FAILED,
            state={"jobs": {"validate": planned.jobs["validate"]}},
            cause={"Error": "States.TaskFailed", "Cause": cause},
        )
        finish_run(end, self.world.services)

    def released(self, version: int) -> None:
        """Approve a version, and put it into service as champion."""
        arn, services, before = self.arn(version), self.world.services, ReleaseState()
        approve_package(ApproveRequest(package_arn=arn, by="bob", comment="looks good"), services)
        release = Release(
            release_id=f"r{version}",
            execution=ENVIRONMENT.arn("states", f"execution:release:{version}"),
            model=MODEL.name,
            package_arn=arn,
            by="approval",
            rollback=False,
            previous=before.to_value(),
            intended=before.with_champion(arn).to_value(),
            predecessors=Leftovers(),
            begun="2026-03-01T11:59:00Z",
            outcome=ReleaseOutcome.RELEASED,
            ended="2026-03-01T12:00:00Z",
        )
        champion = Champion(
            package_arn=arn, version=version, release_id=release.release_id, since="2026-03-01T12:00:00Z"
        )
        services.ledger.record(keys.release(MODEL.name, release.release_id), release)
        services.ledger.record(keys.champion(MODEL.name), champion)
        services.put_parameter(MODEL.release_parameter, release.intended)
        serve(self.world, arn, str(version))

    def checked(self, version: int, number: int, outcome: CheckOutcome) -> None:
        """Record a drift check of a version; the one column that changes is ``temp``."""
        worst = ColumnChange(name="temp", effect=0.4, psi=1.5, importance=None, evidence="shape", drifted=True)
        check = Check(
            check_id=f"c{number:03}",
            model=MODEL.name,
            begin=f"2026-03-01T{number:02}:00:00Z",
            end=f"2026-03-02T{number:02}:00:00Z",
            version=version,
            outcome=outcome,
            rows=500,
            worst=(worst,) if outcome == CheckOutcome.DRIFT else (),
            package_arn=self.arn(version),
            records=500,
            findings=(f"{VALUE_OF_A_ROW} is unknown",),
        )
        self.world.services.ledger.record(keys.check(MODEL.name, check.check_id), check)

    def measured(self, version: int, window: str, outcome: QualityOutcome) -> None:
        """Record the quality of a version's predictions of a window."""
        hour = QualityHour(
            model=MODEL.name,
            version=version,
            window=window,
            begin="2026-03-01T23:00:00Z",
            end="2026-03-02T00:00:00Z",
            labels=950,
            rows=900,
            unreadable_labels=0,
            damaged_label_files=0,
            cut=False,
            outcome=outcome,
            metric="auc",
            metrics={"auc": 0.61},
            evaluated={"auc": 0.7},
            loss=0.13,
            gap=None,
            worst_segment="origin",
        )
        self.world.services.ledger.record(keys.quality_hour(MODEL.name, window, version), hour)

    def arn(self, version: int) -> str:
        return MODEL.package_arn(version)
