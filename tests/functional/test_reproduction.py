"""Tests that a reproduction is planned from the record of the package's run, compared, and never registered."""

from pathlib import Path

import pytest

from pipelines.aws.packages import read_package
from pipelines.datasets.commits.versions import erase, list_versions
from pipelines.flows.release.begin import check_artifact
from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import LeaseHeldError, TriggerRefusedError
from pipelines.flows.retraining.original import CommitForgottenError, NotReproducibleError
from pipelines.flows.retraining.recipe import CodeChangedError
from pipelines.flows.retraining.reproduction import compare_reproduction
from pipelines.interface import keys
from pipelines.interface.paths import CHECKS, SCRATCH
from pipelines.interface.records import Comparison, MetricPair, Run, RunOutcome, Tombstone, TriggerKind
from pipelines.interface.requests import FinishRunRequest, RunPlan
from pipelines.interface.settings import Retraining
from pipelines.views.lineage import text
from pipelines.views.lineage.subject import find_subject
from pipelines.views.lineage.trace import trace
from tests.support.life import Life, PlannedExecution
from tests.support.world import CODE, MODEL, World, settings


@pytest.fixture
def life(world: World, tmp_path: Path) -> Life:
    return Life(world=world, folder=tmp_path)


def reproduction(life: Life, version: int = 1) -> PlannedExecution:
    return life.planned(kind=TriggerKind.REPRODUCTION, package_arn=life.arn(version))


def compared(life: Life, planned: PlannedExecution) -> Comparison:
    return compare_reproduction(planned.run, life.world.services)


def finished(life: Life, planned: PlannedExecution, comparison: Comparison) -> Run:
    """Record the end of a reproduction, as the flow does, and return the run's record."""
    end = FinishRunRequest(
        model=MODEL.name,
        execution=planned.execution,
        outcome=comparison.outcome,
        cause=comparison.differences,
        comparison=comparison,
    )
    finish_run(end, life.world.services)
    return life.world.item(keys.run(MODEL.name, planned.plan.run_id))


def inputs_of(plan: RunPlan) -> list[object]:
    """Return the names of the evaluation's inputs."""
    return [each["InputName"] for each in plan.evaluate.inputs]


def test_reproduction_is_planned_from_the_recorded_run_not_from_the_deployment(life: Life) -> None:
    old = life.commit("2013-01.csv")
    life.registered()
    life.commit("2013-02.csv")
    changed = settings(image="new", code_uri="s3://assets/new.gz", window_months=9, hyperparameters={"max_iter": "9"})
    life.world.set_settings(changed)
    planned = reproduction(life)
    plan = planned.plan
    assert plan.commit == old.id
    assert plan.image == settings().image
    assert "max_iter" not in plan.hyperparameters
    arguments = plan.validate.arguments
    assert arguments[arguments.index("--window-months") + 1] == "3"
    artifacts = life.world.services.bucket("artifacts")
    assert artifacts.open(artifacts.key_of(plan.code_uri)).read() == CODE
    assert artifacts.read_json(planned.files.commit)["id"] == old.id
    assert "champion" in inputs_of(plan), "the evaluation compares with the original"
    assert plan.champion is None
    assert plan.reproduces is not None
    assert plan.reproduces.package_arn == life.arn(1)


def test_code_stays_when_the_deployments_bucket_lacks_it(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    for key in ("code.gz", "packages.gz"):
        life.world.client("s3").delete_object(Bucket="assets", Key=key)
    assert reproduction(life).plan.code_sha256


def test_changed_code_is_refused(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    [(_, run)] = life.world.services.ledger.query(keys.runs(MODEL.name))
    assert run.recipe is not None
    artifacts = life.world.services.bucket("artifacts")
    artifacts.write(artifacts.key_of(run.recipe.code_uri), b"other code")
    with pytest.raises(CodeChangedError, match="was recorded"):
        reproduction(life)


def test_lost_artifact_can_be_made_again(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    package = read_package(life.world.services, life.arn(1))
    artifacts = life.world.services.bucket("artifacts")
    key = artifacts.key_of(package.model_data_url)
    life.world.client("s3").delete_object(Bucket=artifacts.name, Key=key)
    assert "champion" not in inputs_of(reproduction(life).plan)


def test_forgotten_commit_is_refused_with_its_successor(life: Life) -> None:
    old = life.commit("2013-01.csv")
    life.registered()
    stone = Tombstone(new="f" * 64, time="2026-03-05T10:00:00Z", by="carol", reason="request 17")
    life.world.services.ledger.record(keys.tombstone("flights", old.id), stone)
    with pytest.raises(CommitForgottenError, match=f"{old.id} of flights was rewritten to {'f' * 64}.*carol"):
        reproduction(life)


def test_package_of_another_model_or_without_a_recipe_is_refused(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    other = life.arn(1).replace("late-arrival/1", "air-time/1")
    with pytest.raises(NotReproducibleError, match="is not a package of"):
        life.planned(kind=TriggerKind.REPRODUCTION, package_arn=other)
    lease = keys.lease(MODEL.name)
    life.world.services.ledger.delete(lease, expected={"token": life.world.item(lease).token})
    with pytest.raises(NotReproducibleError, match="there is no package"):
        reproduction(life, version=7)


def test_event_cannot_ask_for_a_reproduction(life: Life) -> None:
    """The rule passes only kind, id, by and reason on, not the package."""
    life.commit("2013-01.csv")
    with pytest.raises(TriggerRefusedError, match="only a person starts one"):
        life.planned(kind=TriggerKind.REPRODUCTION)
    [(_, refusal)] = life.world.services.ledger.query(keys.refusals(MODEL.name))
    assert refusal.kind == TriggerKind.REPRODUCTION


def test_reproduction_takes_the_lease_but_no_budget_and_no_cooldown(life: Life) -> None:
    life.world.set_settings(settings(retraining=Retraining(triggers=("drift",), cooldown_s=36000, max_runs_per_day=1)))
    life.commit("2013-01.csv")
    life.registered()
    before = life.world.item(keys.lease(MODEL.name))
    planned = reproduction(life)
    with pytest.raises(LeaseHeldError):
        life.planned(kind="drift")
    finish_run(FinishRunRequest(execution=planned.execution, status="ABORTED"), life.world.services)
    after = life.world.item(keys.lease(MODEL.name))
    assert after.holder is None
    assert (after.day, after.runs_today, after.cooldown_until) == (
        before.day,
        before.runs_today,
        before.cooldown_until,
    )


def test_equal_evaluations_are_a_reproduction(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered(auc=0.71)
    planned = reproduction(life)
    life.evaluated(planned, auc=0.71)
    comparison = compared(life, planned)
    assert (comparison.outcome, comparison.exact, comparison.artifact) == (RunOutcome.REPRODUCED, True, "equal")
    run = finished(life, planned, comparison)
    assert (run.outcome, run.reproduces) == (RunOutcome.REPRODUCED, life.arn(1))
    assert run.comparison == comparison
    assert comparison.metrics["auc"] == MetricPair(recorded=0.71, reproduced=0.71)
    assert life.world.alerts() == []
    graph = trace(life.world.services, find_subject("late-arrival/1", life.world.services, {MODEL.name: "flights"}))
    page = text.render(graph)
    assert "reproduced by run" in page
    assert "metrics equal · artifact equal" in page
    assert [node.missing for node in graph.of_kind("run") if "no longer there" in node.missing] == []


def test_version_is_released_traced_and_reproduced_after_what_expires_is_gone(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered(auc=0.71)
    services = life.world.services
    artifacts, subject = services.bucket("artifacts"), find_subject("late-arrival/1", services, {MODEL.name: "flights"})
    before = text.render(trace(services, subject))
    expired = [version.place for prefix in (SCRATCH, CHECKS) for version in list_versions(artifacts, prefix)]
    assert expired
    erase(artifacts, expired)
    check_artifact(services, read_package(services, life.arn(1)))
    assert text.render(trace(services, subject)) == before
    planned = reproduction(life)
    assert "champion" in inputs_of(planned.plan)
    life.evaluated(planned, auc=0.71)
    assert compared(life, planned).outcome == RunOutcome.REPRODUCED


def test_other_metrics_are_the_cause_with_both_numbers(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered(auc=0.71)
    planned = reproduction(life)
    life.evaluated(planned, auc=0.70)
    comparison = compared(life, planned)
    assert comparison.outcome == RunOutcome.DIFFERS
    assert comparison.differences == ("auc: 0.71 recorded, 0.7 now",)
    assert finished(life, planned, comparison).cause == "auc: 0.71 recorded, 0.7 now"
