"""Lineages on moto with damaged items: each is named, and the rest is shown."""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import TypeVar, get_type_hints

import pytest

from pipelines.interface import keys
from pipelines.interface.keys import Key
from pipelines.interface.paths import RunFiles, commit_key
from pipelines.interface.records import (
    CheckOutcome,
    CommitRecord,
    QualityOutcome,
    TriggerKind,
)
from pipelines.views.lineage import text
from pipelines.views.lineage.facts import (
    CommitFacts,
    EndpointFacts,
    PackageFacts,
    ReleaseFacts,
    RunFacts,
)
from tests.support.life import VALUE_OF_A_ROW, Life
from tests.support.lineage import all_of, drawn, forget, life, node_of, only, runs_of, traced
from tests.support.world import ENVIRONMENT, MODEL

__all__ = ["life"]

R = TypeVar("R")


def damage(life: Life, key: Key[R]) -> str:
    """Make the last text that an item must have a number; return what a lineage says of it."""
    hints = get_type_hints(key.kind)
    assert is_dataclass(key.kind)
    name = [field.name for field in fields(key.kind) if hints[field.name] is str and field.default is MISSING][-1]
    life.world.client("dynamodb").update_item(
        TableName=ENVIRONMENT.ledger_table,
        Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
        UpdateExpression="SET #name = :number",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":number": {"N": "1"}},
    )
    return f"the ledger's {key.pk} {key.sk} is damaged: {name} is int 1, not str"


def test_damaged_run_is_named_in_its_node(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered())
    life.failed()
    registered, failed = runs_of(life)
    said = damage(life, keys.run(MODEL.name, registered.run_id))
    identity = f"run:late-arrival/{registered.run_id}"
    for asked in ("late-arrival/1", commit.id, f"late-arrival/{registered.run_id}", MODEL.name):
        graph = traced(life, asked)
        assert graph.nodes[identity].missing == said
        assert said.partition(" is damaged")[0] in drawn(graph)
    graph = traced(life, "late-arrival/1")
    assert [(edge.relation, edge.target) for edge, _ in graph.after(identity)] == [("made", "package:late-arrival/1")]
    assert only(graph, ReleaseFacts).outcome == "released"
    runs = all_of(traced(life, commit.id), RunFacts)
    assert {run.run_id: run.outcome for run in runs} == {registered.run_id: "unknown", failed.run_id: "failed"}


def test_damaged_run_without_a_package_is_found_through_the_package(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    (run,) = runs_of(life)
    key = keys.run(MODEL.name, run.run_id)
    life.world.client("dynamodb").update_item(
        TableName=ENVIRONMENT.ledger_table,
        Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
        UpdateExpression="SET package_arn = :number",
        ExpressionAttributeValues={":number": {"N": "1"}},
    )
    node = node_of(traced(life, "late-arrival/1"), RunFacts)
    assert node.missing == f"the ledger's {key.pk} {key.sk} is damaged: package_arn is int 1, not str"


def test_damaged_release_and_checks_are_named_in_their_nodes(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    life.checked(1, 1, CheckOutcome.STABLE)
    life.checked(1, 2, CheckOutcome.STABLE)
    life.measured(1, "w1", QualityOutcome.HELD)
    said = [
        damage(life, keys.release(MODEL.name, "r1")),
        damage(life, keys.check(MODEL.name, "c001")),
        damage(life, keys.quality_hour(MODEL.name, "w1", 1)),
    ]
    graph = traced(life, "late-arrival/1")
    places = ("release:late-arrival/r1", "check:late-arrival/c001", "quality:late-arrival/w1/1")
    nodes = [graph.nodes[place] for place in places]
    assert [node.missing for node in nodes] == said
    assert [node.attributes["outcome"] for node in nodes] == ["unknown"] * 3
    counted = only(graph, PackageFacts).checks
    assert counted is not None
    assert (counted.total, counted.outcomes) == (2, {"stable": 1, "unknown": 1})
    assert only(graph, EndpointFacts).champion == "late-arrival/1"
    assert drawn(graph)


def test_damaged_item_without_a_version_is_named_in_the_package(life: Life) -> None:
    life.commit("2013-01.csv")
    life.registered()
    pk, sort_keys = keys.model_pk(MODEL.name), ("release#r1", "check#c001", "champion")
    for sk in sort_keys:
        item = {"pk": {"S": pk}, "sk": {"S": sk}}
        life.world.client("dynamodb").put_item(TableName=ENVIRONMENT.ledger_table, Item=item)
    missing = node_of(traced(life, "late-arrival/1"), PackageFacts).missing
    for sk in sort_keys:
        assert f"the ledger's {pk} {sk} is damaged: " in missing


def test_damaged_check_is_before_the_run_that_it_started(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    life.checked(1, 1, CheckOutcome.DRIFT)
    run_id = life.planned(kind=TriggerKind.DRIFT, by="drift_check", reason="c001").plan.run_id
    said = damage(life, keys.check(MODEL.name, "c001"))
    graph = traced(life, f"late-arrival/{run_id}")
    assert graph.nodes["check:late-arrival/c001"].missing == said
    assert "triggered by check c001" in text.render(graph)


def test_damaged_champion_and_release_state_are_named_in_the_endpoint(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    said = damage(life, keys.champion(MODEL.name))
    endpoint = node_of(traced(life, MODEL.name), EndpointFacts)
    assert endpoint.missing == said
    assert endpoint.attributes["champion"] == "late-arrival/1"
    assert endpoint.attributes["since"] is None
    life.world.services.put_parameter(MODEL.release_parameter, "nonsense")
    assert "is damaged: release state 'nonsense'" in node_of(traced(life, MODEL.name), EndpointFacts).missing


def test_damaged_records_of_a_commit_are_named_in_its_node(life: Life) -> None:
    old = life.commit("2013-01.csv")
    life.registered()
    new = life.commit("2013-02.csv")
    forget(life, old.id, new.id, old.parent)
    tombstone = damage(life, keys.tombstone("flights", old.id))
    record = CommitRecord(tree=old.tree, parent=None, time=old.time, manifest_sha256="0" * 64)
    life.world.services.ledger.record(keys.commit("flights", old.id), record)
    commit = damage(life, keys.commit("flights", old.id))
    for asked in (old.id[:10], new.id, "late-arrival/1"):
        graph = traced(life, asked)
        node = graph.nodes[f"commit:flights/{old.id}"]
        assert node.missing == f"the manifest is no longer there; {commit}; {tombstone}"
        assert [edge.relation for edge, _ in graph.after(node.id)][:1] == ["rewritten as"]
        assert drawn(graph)


def test_damaged_manifest_is_named_in_its_commit(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.registered()
    life.world.services.bucket("data").write_json(commit_key("flights", commit.id), {})
    graph = traced(life, "late-arrival/1")
    assert node_of(graph, CommitFacts).missing.startswith("the manifest is damaged: ")
    origin = only(graph, CommitFacts).origin
    assert origin is not None
    assert origin.tree == commit.tree


def test_damaged_use_of_a_commit_is_named_in_its_run(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.registered()
    (run,) = runs_of(life)
    said = damage(life, keys.commit_use("flights", commit.id, MODEL.name, run.run_id))
    graph = traced(life, commit.id)
    assert node_of(graph, RunFacts).missing == said
    assert only(graph, RunFacts).outcome == "registered"


@pytest.mark.parametrize(
    ("place", "step", "kind"),
    [
        (lambda files: files.validation, "validate", "ValidationReport"),
        (lambda files: files.evaluation, "evaluate", "EvaluationReport"),
    ],
)
def test_damaged_report_is_named_in_its_job_without_its_content(
    life: Life, place: Callable[[RunFiles], str], step: str, kind: str
) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    (run,) = runs_of(life)
    artifacts, key = life.world.services.bucket("artifacts"), place(RunFiles(MODEL.name, run.run_id))
    artifacts.write_json(key, {"rows": VALUE_OF_A_ROW})
    graph = traced(life, "late-arrival/1")
    job = graph.nodes[f"job:late-arrival/{run.run_id}/{step}"]
    assert f"{artifacts.uri(key)} is damaged: it cannot be read as {kind}" in job.missing
    assert VALUE_OF_A_ROW not in drawn(graph)
