"""The retraining flow's functions, one after the other, on moto."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.aws.causes import reason_of
from pipelines.datasets.commits.commits import Dataset, NoDataError
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import (
    BudgetSpentError,
    CooldownError,
    LeaseHeldError,
    LeaseLostError,
    TriggerRefusedError,
    take_from_event,
)
from pipelines.flows.retraining.plan import plan_run
from pipelines.flows.retraining.register import CandidateMissingError, judge_candidate, register_candidate
from pipelines.interface import keys
from pipelines.interface.paths import run_prefix
from pipelines.interface.settings import Retraining
from tests.support.world import ENVIRONMENT, MODEL, PACKAGES_URI, World, settings

PK = keys.model_pk(MODEL.name)
EXECUTION = ENVIRONMENT.arn("states", "execution:arrivals-dev-us-east-1-retraining:first")
ARTIFACT = b"not really a model"


def request(
    number: int = 1, *, kind: str = "person", execution: str = EXECUTION, started: str = "10:00"
) -> dict[str, Any]:
    return {
        "model": MODEL.name,
        "trigger": {"kind": kind, "id": f"trigger-{number}", "by": "alice", "reason": "test"},
        "execution": execution,
        "started": f"2026-03-01T{started}:00.123Z",
    }


def commit(world: World, tmp_path: Path, name: str = "2013-01.csv") -> Dataset:
    dataset = Dataset.in_environment(ENVIRONMENT, "flights", s3=world.client("s3"), dynamodb=world.client("dynamodb"))
    (tmp_path / name).write_text(f"a,b\n1,{name}\n")
    dataset.commit({name: tmp_path / name}, author="alice", message="first")
    return dataset


def planned(world: World, tmp_path: Path) -> dict[str, Any]:
    commit(world, tmp_path)
    lease = take_from_event(request(), world.services)
    plan = plan_run({**request(), "lease": lease}, world.services, packages_uri=PACKAGES_URI)
    return {"model": MODEL.name, "lease": lease, "execution": EXECUTION, "plan": plan}


def evaluated(world: World, event: dict[str, Any], auc: float = 0.7) -> None:
    """What the jobs leave: a retry's artifact, the artifact, and what was evaluated."""
    artifacts, prefix = world.services.bucket("artifacts"), run_prefix(MODEL.name, event["plan"]["run_id"])
    artifacts.write(f"{prefix}model/late-arrival-train-x-0/output/model.tar.gz", b"an earlier attempt")
    artifacts.write(f"{prefix}model/late-arrival-train-x-1/output/model.tar.gz", ARTIFACT)
    evaluation = {
        "rows": 1000,
        "metric": "auc",
        "candidate_sha256": hashlib.sha256(ARTIFACT).hexdigest(),
        "candidate_content_sha256": "c" * 64,
        "candidate": {"auc": auc, "brier": 0.2},
        "segments": [{"column": "origin", "value": "JFK", "candidate": {"auc": auc}}],
        "baseline": {"rows": 1000},
        "golden": {"rows": 8},
    }
    for name, document in (("evaluation", evaluation), ("baseline", {}), ("golden", {})):
        artifacts.write_json(f"{prefix}evaluation/{name}.json", document)


def test_lease_is_taken_and_given_again_to_the_same_execution(world: World) -> None:
    first = take_from_event(request(), world.services)
    assert first == take_from_event(request(), world.services)
    assert first["token"] == 1
    assert first["run_id"].startswith("20260301T100000Z-")


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (request(2, execution="other"), LeaseHeldError),
        (request(2, kind="schedule", execution="other"), TriggerRefusedError),
        (request(2, kind="nonsense", execution="other"), TriggerRefusedError),
        (request(1, execution="other"), TriggerRefusedError),
    ],
)
def test_refusal_is_raised_and_recorded(world: World, second: dict[str, Any], error: type[Exception]) -> None:
    take_from_event(request(), world.services)
    with pytest.raises(error):
        take_from_event(second, world.services)
    (refusal,) = world.services.ledger.query(PK, "refusal#")
    assert refusal["refusal"] == error.__name__
    assert refusal["execution"] == "other"


def test_twenty_triggers_give_one_run(world: World) -> None:
    outcomes = []
    for number in range(20):
        try:
            take_from_event(request(number, kind="drift", execution=f"execution-{number}"), world.services)
            outcomes.append("run")
        except LeaseHeldError:
            outcomes.append("refused")
    assert outcomes.count("run") == 1
    assert len(list(world.services.ledger.query(PK, "refusal#"))) == 19


def test_cooldown_binds_events_but_no_person(world: World) -> None:
    take_from_event(request(kind="drift"), world.services)
    finish_run({"model": MODEL.name, "execution": EXECUTION, "outcome": "rejected", "cause": ["worse"]}, world.services)
    with pytest.raises(CooldownError):
        take_from_event(request(2, kind="drift", execution="second", started="10:05"), world.services)
    assert take_from_event(request(3, execution="third", started="10:05"), world.services)["token"] == 2


def test_budget_of_a_day_is_spent_and_renewed(world: World) -> None:
    world.set_settings(settings(retraining=Retraining(triggers=(), cooldown_s=0, max_runs_per_day=1)))
    take_from_event(request(), world.services)
    finish_run({"execution": EXECUTION, "status": "ABORTED"}, world.services)
    with pytest.raises(BudgetSpentError):
        take_from_event(request(2, execution="second", started="12:00"), world.services)
    tomorrow = {**request(3, execution="third"), "started": "2026-03-02T00:00:01Z"}
    assert take_from_event(tomorrow, world.services)["token"] == 2


def test_expired_lease_goes_to_the_next_trigger_and_fences_the_old_run(world: World, tmp_path: Path) -> None:
    event = planned(world, tmp_path)
    evaluated(world, event)
    assert take_from_event(request(2, execution="second", started="23:00"), world.services)["token"] == 2
    with pytest.raises(LeaseLostError):
        register_candidate({**event, "verdict": {}}, world.services)


def test_plan_freezes_the_commit(world: World, tmp_path: Path) -> None:
    dataset = commit(world, tmp_path)
    frozen = dataset.head()
    event = planned(world, tmp_path)
    plan = event["plan"]
    commit(world, tmp_path, "2013-02.csv")
    artifacts = world.services.bucket("artifacts")
    prefix = run_prefix(MODEL.name, plan["run_id"])
    assert plan["commit"] == frozen.id == artifacts.read_json(f"{prefix}commit.json")["id"]
    manifest = artifacts.read_json(f"{prefix}manifest.json")
    assert manifest[0]["prefix"].endswith("/datasets/flights/objects/")
    assert manifest[1:] == [frozen.files[0].sha256]
    assert plan["champion"] is None
    assert json.loads(plan["hyperparameters"]["sagemaker_program"]) == "train.py"
    assert "--champion" not in plan["evaluate"]["arguments"]
    assert len(plan["job_id"]) == 12


def test_plan_without_data_says_so(world: World) -> None:
    lease = take_from_event(request(), world.services)
    with pytest.raises(NoDataError, match="no commit yet"):
        plan_run({**request(), "lease": lease}, world.services, packages_uri=PACKAGES_URI)


def test_candidate_without_evaluation_is_rejected(world: World, tmp_path: Path) -> None:
    verdict = judge_candidate(planned(world, tmp_path), world.services)
    assert not verdict["accepted"]
    assert "not complete" in verdict["reasons"][0]


def test_accepted_candidate_is_registered_once_with_its_lineage(world: World, tmp_path: Path) -> None:
    event = planned(world, tmp_path)
    evaluated(world, event)
    event["verdict"] = judge_candidate(event, world.services)
    assert event["verdict"]["accepted"], event["verdict"]
    package = register_candidate(event, world.services)
    assert package == register_candidate(event, world.services)
    assert package["version"] == 1
    described = world.services.package(package["package_arn"])
    metadata = described["CustomerMetadataProperties"]
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert metadata["sha256"] == hashlib.sha256(ARTIFACT).hexdigest()
    assert metadata["commit"] == event["plan"]["commit"]
    assert metadata["job"] == "late-arrival-train-x-1"
    container = described["InferenceSpecification"]["Containers"][0]
    assert container["ModelDataUrl"].endswith("late-arrival-train-x-1/output/model.tar.gz")


def test_artifact_that_was_not_evaluated_is_not_registered(world: World, tmp_path: Path) -> None:
    event = planned(world, tmp_path)
    evaluated(world, event)
    key = f"{run_prefix(MODEL.name, event['plan']['run_id'])}model/late-arrival-train-x-1/output/model.tar.gz"
    world.services.bucket("artifacts").write(key, b"something else")
    with pytest.raises(CandidateMissingError):
        register_candidate({**event, "verdict": {}}, world.services)


def test_failed_run_frees_the_lease_and_alerts_with_the_jobs_own_reason(world: World) -> None:
    run_id = take_from_event(request(), world.services)["run_id"]
    described = {"TrainingJobStatus": "Failed", "FailureReason": "ValueError: 3 violations of the data contract"}
    cause = {"Error": "States.TaskFailed", "Cause": json.dumps(described)}
    finish_run({"model": MODEL.name, "execution": EXECUTION, "outcome": "failed", "cause": cause}, world.services)
    assert world.item(PK, keys.LEASE)["holder"] is None
    assert world.item(PK, keys.run_sk(run_id))["cause"] == described["FailureReason"]
    assert [(kind, detail["outcome"]) for kind, detail in world.bus.events] == [("Run Finished", "failed")]
    (alert,) = world.alerts()
    assert described["FailureReason"] in alert


def test_end_of_an_execution_is_told_once(world: World) -> None:
    take_from_event(request(), world.services)
    for _ in range(2):
        finish_run({"execution": EXECUTION, "status": "ABORTED"}, world.services)
    finish_run({"execution": "never had a lease", "status": "FAILED"}, world.services)
    assert (len(world.bus.events), len(world.alerts())) == (1, 1)


def test_lease_of_another_run_is_left_alone(world: World) -> None:
    take_from_event(request(), world.services)
    take_from_event(request(2, execution="second", started="23:00"), world.services)
    finish_run({"execution": EXECUTION, "status": "TIMED_OUT"}, world.services)
    assert world.item(PK, keys.LEASE)["holder"] == "second"


def test_stopped_job_is_no_success() -> None:
    stopped = {"Error": "States.TaskFailed", "Cause": json.dumps({"TrainingJobStatus": "Stopped"})}
    assert reason_of(stopped) == "the job ended as Stopped"
    raised = {"Error": "NoDataError", "Cause": json.dumps({"errorType": "NoDataError", "errorMessage": "no commit"})}
    assert reason_of(raised) == "NoDataError: no commit"
    assert reason_of({"Error": "States.Timeout", "Cause": ""}) == "States.Timeout"
    assert reason_of(["worse", "too few rows"]) == "worse; too few rows"
