"""Reproducing a package: planned from its own run's record, compared, and never registered."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.flows.retraining.finish import finish_run
from pipelines.flows.retraining.lease import LeaseHeldError, TriggerRefusedError
from pipelines.flows.retraining.recipe import CodeChangedError
from pipelines.flows.retraining.reproduction import CommitForgottenError, NotReproducibleError, compare_reproduction
from pipelines.interface import keys
from pipelines.interface.events import REPRODUCTION
from pipelines.interface.paths import run_prefix
from pipelines.interface.settings import Retraining
from pipelines.views.lineage import text
from pipelines.views.lineage.subject import find_subject
from pipelines.views.lineage.trace import trace
from tests.support.life import PK, Life
from tests.support.world import CODE, MODEL, World, settings


@pytest.fixture
def life(world: World, tmp_path: Path) -> Life:
    return Life(world=world, folder=tmp_path)


def reproduction(life: Life, version: int = 1) -> dict[str, Any]:
    return life.planned(kind=REPRODUCTION, package_arn=life.arn(version))


def finished(life: Life, event: dict[str, Any], comparison: dict[str, Any]) -> dict[str, Any]:
    ended = {"model": MODEL.name, "execution": event["execution"], "outcome": comparison["outcome"]}
    finish_run(
        {**ended, "cause": comparison["differences"], "comparison": comparison, "state": {}}, life.world.services
    )
    return life.world.item(PK, keys.run_sk(event["plan"]["run_id"]))


def test_planned_from_the_recorded_run_whatever_is_deployed_now(life: Life) -> None:
    old = life.commit("2013-01.csv")
    life.registered()
    life.commit("2013-02.csv")
    changed = settings(image="new", code_uri="s3://assets/new.gz", window_months=9, hyperparameters={"max_iter": "9"})
    life.world.set_settings(changed)
    plan = reproduction(life)["plan"]
    assert plan["commit"] == old.id
    assert plan["image"] == settings().image
    assert "max_iter" not in plan["hyperparameters"]
    arguments = plan["validate"]["arguments"]
    assert arguments[arguments.index("--window-months") + 1] == "3"
    artifacts = life.world.services.bucket("artifacts")
    assert artifacts.open(artifacts.key_of(plan["code_uri"])).read() == CODE
    assert artifacts.read_json(f"{run_prefix(MODEL.name, plan['run_id'])}commit.json")["id"] == old.id
    assert "champion" in [item["InputName"] for item in plan["evaluate"]["inputs"]], "the original stands beside it"
    assert plan["champion"] is None


def test_code_stays_when_the_deployments_bucket_forgets_it(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    for key in ("code.gz", "packages.gz"):
        life.world.client("s3").delete_object(Bucket="assets", Key=key)
    assert reproduction(life)["plan"]["code_sha256"]


def test_changed_code_is_refused(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    (run,) = life.world.services.ledger.query(PK, keys.run_sk(""))
    artifacts = life.world.services.bucket("artifacts")
    artifacts.write(artifacts.key_of(run["recipe"]["code_uri"]), b"other code")
    with pytest.raises(CodeChangedError, match="was recorded"):
        reproduction(life)


def test_lost_artifact_can_be_made_again(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    package = life.world.services.package(life.arn(1))
    artifacts = life.world.services.bucket("artifacts")
    key = artifacts.key_of(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    life.world.client("s3").delete_object(Bucket=artifacts.name, Key=key)
    plan = reproduction(life)["plan"]
    assert "champion" not in [item["InputName"] for item in plan["evaluate"]["inputs"]]


def test_forgotten_commit_is_refused_with_its_successor(life: Life) -> None:
    old = life.commit("2013-01.csv")
    life.registered()
    stone = {"new": "f" * 64, "time": "2026-03-05T10:00:00Z", "by": "carol", "reason": "request 17"}
    life.world.services.ledger.record(keys.dataset_pk("flights"), keys.tombstone_sk(old.id), stone)
    with pytest.raises(CommitForgottenError, match=f"{old.id} of flights was rewritten to {'f' * 64}.*carol"):
        reproduction(life)


def test_package_of_another_model_or_without_a_recipe_is_refused(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    other = life.arn(1).replace("late-arrival/1", "air-time/1")
    with pytest.raises(NotReproducibleError, match="is no package of"):
        life.planned(kind=REPRODUCTION, package_arn=other)
    life.world.services.ledger.delete(PK, keys.LEASE, expected={})
    with pytest.raises(NotReproducibleError, match="there is no package"):
        reproduction(life, version=7)


def test_event_cannot_ask_for_a_reproduction(life: Life) -> None:
    """The rule passes on kind, id, by and reason: no package."""
    life.commit("2013-01.csv")
    with pytest.raises(TriggerRefusedError, match="started by a person"):
        life.planned(kind=REPRODUCTION)
    (refusal,) = life.world.services.ledger.query(PK, "refusal#")
    assert refusal["kind"] == REPRODUCTION


def test_reproduction_takes_the_lease_but_no_budget_and_no_cooldown(life: Life) -> None:
    life.world.set_settings(settings(retraining=Retraining(triggers=("drift",), cooldown_s=36000, max_runs_per_day=1)))
    life.commit("2013-01.csv")
    life.registered()
    before = life.world.item(PK, keys.LEASE)
    event = reproduction(life)
    with pytest.raises(LeaseHeldError):
        life.planned(kind="drift")
    finish_run({"execution": event["execution"], "status": "ABORTED"}, life.world.services)
    after = life.world.item(PK, keys.LEASE)
    assert after["holder"] is None
    assert [after[name] for name in ("day", "runs_today", "cooldown_until")] == [
        before[name] for name in ("day", "runs_today", "cooldown_until")
    ]


def test_equal_evaluations_are_a_reproduction(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered(auc=0.71)
    event = reproduction(life)
    life.evaluated(event, auc=0.71)
    comparison = compare_reproduction(event, life.world.services)
    assert (comparison["outcome"], comparison["exact"], comparison["artifact"]) == ("reproduced", True, "equal")
    record = finished(life, event, comparison)
    assert (record["outcome"], record["reproduces"]) == ("reproduced", life.arn(1))
    assert record["comparison"]["metrics"]["auc"] == {"recorded": 0.71, "reproduced": 0.71}
    assert life.world.alerts() == []
    graph = trace(life.world.services, find_subject("late-arrival/1", life.world.services, {MODEL.name: "flights"}))
    told = text.render(graph)
    assert "reproduced by run" in told
    assert "metrics equal · artifact equal" in told
    assert "no longer there" not in json.dumps([node.missing for node in graph.of_kind("run")])


def test_other_metrics_are_told_with_both_numbers(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered(auc=0.71)
    event = reproduction(life)
    life.evaluated(event, auc=0.70)
    comparison = compare_reproduction(event, life.world.services)
    assert comparison["outcome"] == "differs"
    assert comparison["differences"] == ["auc: 0.71 recorded, 0.7 now"]
    assert finished(life, event, comparison)["cause"] == "auc: 0.71 recorded, 0.7 now"
