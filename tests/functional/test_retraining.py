"""Tests the retraining flow's functions one after the other, on moto."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from pipelines.aws.causes import reason_of
from pipelines.aws.packages import read_package
from pipelines.datasets.commits.commits import Dataset, NoDataError
from pipelines.datasets.commits.versions import list_versions
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import (
    BudgetSpentError,
    CooldownError,
    LeaseHeldError,
    LeaseLostError,
    TriggerRefusedError,
    take_lease,
)
from pipelines.flows.retraining.plan import plan_run
from pipelines.flows.retraining.recipe import CodeChangedError
from pipelines.flows.retraining.register import CandidateMissingError, judge_candidate, register_candidate
from pipelines.interface import keys
from pipelines.interface.codec import to_json
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import EvaluationReport, Refusal, RunOutcome, Trigger
from pipelines.interface.requests import (
    FinishRunRequest,
    LeaseRequest,
    PlannedRun,
    PlanRequest,
    RegisterRequest,
    RunPlan,
    Verdict,
)
from pipelines.interface.settings import Retraining
from tests.support.evaluations import evaluation
from tests.support.world import ENVIRONMENT, MODEL, PACKAGES_URI, World, settings

EXECUTION = ENVIRONMENT.arn("states", "execution:arrivals-dev-us-east-1-retraining:first")
ARTIFACT = b"not really a model"
ACCEPTED = Verdict(accepted=True, reasons=("better",))
REQUIRED = [
    field.name for field in fields(EvaluationReport) if field.default is MISSING and field.default_factory is MISSING
]
"""Fields that every evaluation has; older versions wrote no others."""


def request(
    number: int = 1, *, kind: str = "person", execution: str = EXECUTION, started: str = "2026-03-01T10:00:00.123Z"
) -> LeaseRequest:
    trigger = Trigger(kind=kind, id=f"trigger-{number}", by="alice", reason="test")
    return LeaseRequest(model=MODEL.name, trigger=trigger, execution=execution, started=started)


def later(number: int, started: str, *, kind: str = "person", execution: str = "second") -> LeaseRequest:
    """Return a request of another execution, ``started`` at a time of 1 March 2026."""
    return request(number, kind=kind, execution=execution, started=f"2026-03-01T{started}:00.123Z")


def aborted(execution: str = EXECUTION, status: str = "ABORTED") -> FinishRunRequest:
    """Return the request of the rule on an execution's end."""
    return FinishRunRequest(execution=execution, status=status)


def refusals(world: World) -> list[Refusal]:
    return [refusal for _, refusal in world.services.ledger.query(keys.refusals(MODEL.name))]


def commit(world: World, tmp_path: Path, name: str = "2013-01.csv") -> Dataset:
    dataset = Dataset.in_environment(ENVIRONMENT, "flights", s3=world.client("s3"), dynamodb=world.client("dynamodb"))
    (tmp_path / name).write_text(f"a,b\n1,{name}\n")
    dataset.commit({name: tmp_path / name}, author="alice", message="first")
    return dataset


def plan_of(world: World, lease_request: LeaseRequest) -> RegisterRequest:
    """Take the lease, plan the run, and return the request that registers its candidate."""
    lease = take_lease(lease_request, world.services)
    planning = PlanRequest(
        model=MODEL.name, trigger=lease_request.trigger, lease=lease, execution=lease_request.execution
    )
    plan = plan_run(planning, world.services, packages_uri=PACKAGES_URI)
    return RegisterRequest(
        model=MODEL.name, plan=plan, verdict=ACCEPTED, lease=lease, execution=lease_request.execution
    )


def planned(world: World, tmp_path: Path) -> RegisterRequest:
    commit(world, tmp_path)
    return plan_of(world, request())


def files_of(plan: RunPlan) -> RunFiles:
    return RunFiles(MODEL.name, plan.run_id)


def judged(world: World, plan: RunPlan) -> Verdict:
    return judge_candidate(PlannedRun(model=MODEL.name, plan=plan), world.services)


def evaluated(world: World, plan: RunPlan, **changes: Any) -> dict[str, Any]:
    """Write what the jobs leave: a failed attempt's artifact, the artifact, and its evaluation, which is returned."""
    artifacts, files = world.services.bucket("artifacts"), files_of(plan)
    artifacts.write(f"{files.models}late-arrival-train-x-0/output/model.tar.gz", b"an earlier attempt")
    artifacts.write(f"{files.models}late-arrival-train-x-1/output/model.tar.gz", ARTIFACT)
    report = evaluation(candidate_sha256=hashlib.sha256(ARTIFACT).hexdigest(), **changes)
    artifacts.write_record(files.evaluation, report)
    for key in (files.baseline, files.golden):
        artifacts.write_json(key, {})
    return to_json(report)


def judged_as(world: World, plan: RunPlan, document: object) -> Verdict:
    """Judge with ``document`` as the evaluation."""
    world.services.bucket("artifacts").write_json(files_of(plan).evaluation, document)
    return judged(world, plan)


def changed(document: Mapping[str, Any], path: list[str], value: object) -> dict[str, Any]:
    """Return a document with another value at ``path``."""
    name, *rest = path
    return {**document, name: changed(document[name], rest, value) if rest else value}


def test_lease_is_taken_and_given_again_to_the_same_execution(world: World) -> None:
    first = take_lease(request(), world.services)
    assert first == take_lease(request(), world.services)
    assert first.token == 1
    assert first.run_id.startswith("20260301T100000Z-")


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (request(2, execution="other"), LeaseHeldError),
        (request(2, kind="schedule", execution="other"), TriggerRefusedError),
        (request(2, kind="nonsense", execution="other"), TriggerRefusedError),
        (request(1, execution="other"), TriggerRefusedError),
    ],
)
def test_refusal_is_raised_and_recorded(world: World, second: LeaseRequest, error: type[Exception]) -> None:
    take_lease(request(), world.services)
    with pytest.raises(error) as raised:
        take_lease(second, world.services)
    [refusal] = refusals(world)
    assert refusal.refusal == error.__name__
    assert refusal.reason == str(raised.value)
    assert refusal.execution == "other"
    assert (refusal.kind, refusal.id) == (second.trigger.kind, second.trigger.id)


def test_twenty_triggers_give_one_run(world: World) -> None:
    outcomes = []
    for number in range(20):
        try:
            take_lease(request(number, kind="drift", execution=f"execution-{number}"), world.services)
            outcomes.append("run")
        except LeaseHeldError:
            outcomes.append("refused")
    assert outcomes.count("run") == 1
    assert len(refusals(world)) == 19


def test_cooldown_binds_events_but_no_person(world: World) -> None:
    take_lease(request(kind="drift"), world.services)
    rejected = FinishRunRequest(model=MODEL.name, execution=EXECUTION, outcome=RunOutcome.REJECTED, cause=("worse",))
    finish_run(rejected, world.services)
    with pytest.raises(CooldownError):
        take_lease(later(2, "10:05", kind="drift"), world.services)
    assert take_lease(later(3, "10:05", execution="third"), world.services).token == 2


def test_budget_of_a_day_is_spent_and_renewed(world: World) -> None:
    world.set_settings(settings(retraining=Retraining(triggers=(), cooldown_s=0, max_runs_per_day=1)))
    take_lease(request(), world.services)
    finish_run(aborted(), world.services)
    with pytest.raises(BudgetSpentError):
        take_lease(later(2, "12:00"), world.services)
    tomorrow = request(3, execution="third", started="2026-03-02T00:00:01Z")
    assert take_lease(tomorrow, world.services).token == 2


def test_expired_lease_goes_to_the_next_trigger_and_fences_the_old_run(world: World, tmp_path: Path) -> None:
    run = planned(world, tmp_path)
    evaluated(world, run.plan)
    assert take_lease(later(2, "23:00"), world.services).token == 2
    with pytest.raises(LeaseLostError):
        register_candidate(run, world.services)


def test_plan_freezes_the_commit(world: World, tmp_path: Path) -> None:
    dataset = commit(world, tmp_path)
    frozen = dataset.head()
    plan = planned(world, tmp_path).plan
    commit(world, tmp_path, "2013-02.csv")
    artifacts, files = world.services.bucket("artifacts"), files_of(plan)
    assert plan.commit == frozen.id == artifacts.read_json(files.commit)["id"]
    manifest = artifacts.read_json(files.manifest)
    assert manifest[0]["prefix"].endswith("/datasets/flights/objects/")
    assert manifest[1:] == [frozen.files[0].sha256]
    assert plan.champion is None
    assert json.loads(plan.hyperparameters["sagemaker_program"]) == "train.py"
    assert "--champion" not in plan.evaluate.arguments
    assert len(plan.job_id) == 12


def test_plan_is_recorded_with_the_run_and_with_its_commit(world: World, tmp_path: Path) -> None:
    plan = planned(world, tmp_path).plan
    run = world.item(keys.run(MODEL.name, plan.run_id))
    assert (run.dataset, run.commit, run.job_id, run.champion, run.reproduces) == (
        *("flights", plan.commit, plan.job_id),
        *(None, None),
    )
    assert run.outcome is None
    assert run.recipe is not None
    assert (run.recipe.code_uri, run.recipe.code_sha256) == (plan.code_uri, plan.code_sha256)
    use = world.item(keys.commit_use("flights", plan.commit, MODEL.name, plan.run_id))
    assert (use.model, use.run_id, use.commit) == (MODEL.name, plan.run_id, plan.commit)


def test_plan_without_data_says_so(world: World) -> None:
    with pytest.raises(NoDataError, match="no commit yet"):
        plan_of(world, request())


def test_candidate_without_evaluation_is_rejected(world: World, tmp_path: Path) -> None:
    verdict = judged(world, planned(world, tmp_path).plan)
    assert not verdict.accepted
    assert "not complete" in verdict.reasons[0]


@pytest.mark.parametrize("name", ["baseline", "golden"])
def test_candidate_without_baseline_or_golden_requests_is_rejected(world: World, tmp_path: Path, name: str) -> None:
    plan = planned(world, tmp_path).plan
    evaluated(world, plan)
    key = getattr(files_of(plan), name)
    world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("artifacts"), Key=key)
    verdict = judged(world, plan)
    assert not verdict.accepted
    assert key in verdict.reasons[0]


UNREADABLE: dict[str, object] = {
    "candidate.auc": "0.9",
    "candidate.brier": True,
    "candidate": [],
    "golden.rows": None,
    "baseline.rows": "5000",
    "rows": 1000.5,
    "segments": None,
    "gain": {"metric": "auc"},
    "surprise": 1,
}
"""Values, by the path of the field that they stand in, of which each makes an evaluation unreadable."""


def test_unreadable_evaluation_rejects_the_candidate(world: World, tmp_path: Path) -> None:
    plan = planned(world, tmp_path).plan
    document = evaluated(world, plan)
    assert judged(world, plan).accepted
    for path, value in UNREADABLE.items():
        verdict = judged_as(world, plan, changed(document, path.split("."), value))
        assert not verdict.accepted, path
        assert path in verdict.reasons[0]


def test_evaluation_without_a_required_field_rejects_the_candidate(world: World, tmp_path: Path) -> None:
    plan = planned(world, tmp_path).plan
    document = evaluated(world, plan)
    assert {"rows", "candidate", "gain", "segments", "baseline", "golden"} < set(REQUIRED)
    for name in REQUIRED:
        verdict = judged_as(world, plan, {key: value for key, value in document.items() if key != name})
        assert not verdict.accepted, name
        assert f"{name} is missing" in verdict.reasons[0]


def test_evaluation_of_an_older_version_is_judged(world: World, tmp_path: Path) -> None:
    plan = planned(world, tmp_path).plan
    document = evaluated(world, plan)
    assert judged_as(world, plan, {name: document[name] for name in REQUIRED}).accepted


def test_evaluation_that_is_no_json_rejects_the_candidate(world: World, tmp_path: Path) -> None:
    plan = planned(world, tmp_path).plan
    evaluated(world, plan)
    world.services.bucket("artifacts").write(files_of(plan).evaluation, b"<html>")
    verdict = judged(world, plan)
    assert not verdict.accepted
    assert "no JSON" in verdict.reasons[0]


def test_accepted_candidate_is_registered_once_with_its_lineage(world: World, tmp_path: Path) -> None:
    run = planned(world, tmp_path)
    evaluated(world, run.plan, candidate_content_sha256="c" * 64)
    verdict = judged(world, run.plan)
    assert verdict.accepted, verdict
    answer = register_candidate(run, world.services)
    assert answer == register_candidate(run, world.services)
    assert answer.version == 1
    package = read_package(world.services, answer.package_arn)
    assert package.status == "PendingManualApproval"
    assert package.image == run.plan.image
    assert package.metadata.run == run.plan.run_id
    assert package.metadata.sha256 == hashlib.sha256(ARTIFACT).hexdigest()
    assert package.metadata.content_sha256 == "c" * 64
    assert package.metadata.commit == run.plan.commit
    assert package.metadata.job == "late-arrival-train-x-1"
    assert package.metadata.champion == "none"
    assert package.metadata.metrics == {"auc": 0.75, "brier": 0.2}
    artifacts, files = world.services.bucket("artifacts"), files_of(run.plan)
    assert package.model_data_url == artifacts.uri(files.artifact), "the job's own output expires"
    assert artifacts.sha256_of(files.artifact) == package.metadata.sha256


def test_runs_of_the_same_code_share_one_copy(world: World, tmp_path: Path) -> None:
    first = planned(world, tmp_path).plan
    finish_run(aborted(), world.services)
    second = plan_of(world, later(2, "12:00", execution="second")).plan
    assert second.run_id != first.run_id
    assert second.code_uri == first.code_uri
    artifacts = world.services.bucket("artifacts")
    for prefix in ("code/", "packages/"):
        (copy,) = list_versions(artifacts, prefix)
        assert copy.key == f"{prefix}{artifacts.sha256_of(copy.key)}.tar.gz"


def test_shared_code_that_was_overwritten_is_refused(world: World, tmp_path: Path) -> None:
    plan = planned(world, tmp_path).plan
    finish_run(aborted(), world.services)
    artifacts = world.services.bucket("artifacts")
    artifacts.write(artifacts.key_of(plan.code_uri), b"other code", ChecksumAlgorithm="SHA256")
    with pytest.raises(CodeChangedError, match=f"{plan.code_sha256} was recorded"):
        plan_of(world, later(2, "12:00", execution="second"))


def test_artifact_that_was_not_evaluated_is_not_registered(world: World, tmp_path: Path) -> None:
    run = planned(world, tmp_path)
    evaluated(world, run.plan)
    key = f"{files_of(run.plan).models}late-arrival-train-x-1/output/model.tar.gz"
    world.services.bucket("artifacts").write(key, b"something else")
    with pytest.raises(CandidateMissingError):
        register_candidate(run, world.services)


def test_failed_run_frees_the_lease_and_alerts_with_the_jobs_own_reason(world: World) -> None:
    run_id = take_lease(request(), world.services).run_id
    described = {"TrainingJobStatus": "Failed", "FailureReason": "ValueError: 3 violations of the data contract"}
    cause = {"Error": "States.TaskFailed", "Cause": json.dumps(described)}
    failed = FinishRunRequest(model=MODEL.name, execution=EXECUTION, outcome=RunOutcome.FAILED, cause=cause)
    finish_run(failed, world.services)
    assert world.item(keys.lease(MODEL.name)).holder is None
    run = world.item(keys.run(MODEL.name, run_id))
    assert (run.outcome, run.cause) == (RunOutcome.FAILED, described["FailureReason"])
    assert [(kind, detail["outcome"]) for kind, detail in world.bus.events] == [("Run Finished", "failed")]
    [alert] = world.alerts()
    assert described["FailureReason"] in alert


def test_end_of_an_execution_is_published_once(world: World) -> None:
    take_lease(request(), world.services)
    for _ in range(2):
        finish_run(aborted(), world.services)
    finish_run(aborted("never had a lease", "FAILED"), world.services)
    assert (len(world.bus.events), len(world.alerts())) == (1, 1)


def test_lease_of_another_run_is_left_alone(world: World) -> None:
    take_lease(request(), world.services)
    take_lease(later(2, "23:00"), world.services)
    finish_run(aborted(status="TIMED_OUT"), world.services)
    assert world.item(keys.lease(MODEL.name)).holder == "second"


def test_stopped_job_is_no_success() -> None:
    stopped = {"Error": "States.TaskFailed", "Cause": json.dumps({"TrainingJobStatus": "Stopped"})}
    assert reason_of(stopped) == "the job ended as Stopped"
    raised = {"Error": "NoDataError", "Cause": json.dumps({"errorType": "NoDataError", "errorMessage": "no commit"})}
    assert reason_of(raised) == "NoDataError: no commit"
    assert reason_of({"Error": "States.Timeout", "Cause": ""}) == "States.Timeout"
    refused = "The account-level service limit 'ml.r5.large for training job usage' is 0 Instances, with more words."
    reason = reason_of({"Error": "NoQuotaError", "Cause": refused})
    assert reason.startswith(f"NoQuotaError: {refused} Raise the quota: aws service-quotas")
    assert "QuotaName=='ml.r5.large for training job usage'" in reason, "its code is not known here"
    assert reason_of(["worse", "too few rows"]) == "worse; too few rows"
    assert reason_of(("worse", "too few rows")) == "worse; too few rows"
