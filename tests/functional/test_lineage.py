"""Lineage traced on moto: from packages, commits, runs and endpoints, whole and with parts gone."""

import json
from pathlib import Path

import pytest

from pipelines.interface import keys
from pipelines.views.lineage import text
from pipelines.views.lineage.graph import Graph, Node
from pipelines.views.lineage.subject import Subject, UnknownSubjectError, find_subject
from pipelines.views.lineage.trace import models_that_saw, trace
from tests.support.life import PK, Life
from tests.support.world import ENVIRONMENT, MODEL, World

DATASETS = {MODEL.name: "flights"}
QUALITY_TRIGGER = {"kind": "quality", "id": "e1", "by": "drift_check", "reason": "w1"}


@pytest.fixture
def life(world: World, tmp_path: Path) -> Life:
    return Life(world=world, folder=tmp_path)


def traced(life: Life, asked: str) -> Graph:
    return trace(life.world.services, find_subject(asked, life.world.services, DATASETS))


def only(graph: Graph, kind: str) -> Node:
    (node,) = graph.of_kind(kind)
    return node


def test_package_leads_back_to_its_commit_and_on_to_its_release(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered(auc=0.71))
    for number, outcome in enumerate(("stable", "drift", "stable", "insufficient_data")):
        life.checked(1, number, outcome)
    graph = traced(life, "late-arrival/1")
    relations = {(edge.source.partition(":")[0], edge.relation, edge.target.partition(":")[0]) for edge in graph.edges}
    assert relations == {
        ("commit", "used by", "run"),
        ("run", "ran", "job"),
        ("job", "made", "package"),
        ("job", "measured", "package"),
        ("package", "released by", "release"),
        ("release", "serves at", "endpoint"),
        ("package", "checked by", "check"),
    }
    run, package = only(graph, "run").attributes, only(graph, "package").attributes
    assert only(graph, "commit").attributes["commit"] == commit.id
    assert (run["outcome"], run["trigger"]["by"], run["recipe"]["image"][-5:]) == ("registered", "alice", "1.9-0")
    assert package["approval"]["by"] == "bob"
    assert package["checks"]["outcomes"] == {"drift": 1, "insufficient_data": 1, "stable": 2}
    assert only(graph, "check").attributes["worst"] == [{"name": "temp", "psi": 1.5}]
    jobs = {node.attributes["step"]: node for node in graph.of_kind("job")}
    assert jobs["evaluate"].attributes["evaluation"]["candidate"]["auc"] == 0.71
    assert jobs["validate"].attributes["validation"]["rows"] == 1200
    assert jobs["train"].attributes["name"].startswith("late-arrival-train-")
    assert "no longer there" in jobs["train"].missing


def test_commit_leads_to_every_run_that_used_it(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered())
    life.failed()
    later = life.commit("2013-02.csv")
    graph = traced(life, commit.id[:8])
    assert [(run.attributes["outcome"], run.attributes.get("cause", "")) for run in graph.of_kind("run")] == [
        ("registered", ""),
        ("failed", "out of memory"),
    ]
    failed = graph.of_kind("run")[1]
    steps = {node.attributes["step"]: node.attributes["name"] for _, node in graph.after(failed.id)}
    assert list(steps) == ["validate", "train"]
    assert steps["train"].endswith("-2"), "the attempt that failed"
    seen = models_that_saw(life.world.services, "flights", commit.id)
    assert [(use["outcome"], use["package"]) for use in seen] == [("registered", "late-arrival/1"), ("failed", None)]
    assert models_that_saw(life.world.services, "flights", later.id) == []
    assert "No run has used this commit." in text.render(traced(life, f"flights/{later.id}"))


def test_package_names_its_champion_and_its_challengers(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered(auc=0.71))
    life.commit("2013-02.csv")
    life.registered(auc=0.75)
    said = text.render(traced(life, "late-arrival/v2"))
    assert "compared with late-arrival v1" in said
    challenged = traced(life, "late-arrival/1")
    (edge,) = [edge for edge in challenged.edges if edge.relation == "compared with"]
    assert edge.source == "package:late-arrival/1"
    assert challenged.nodes[edge.target].attributes["package"] == "late-arrival/2"


def test_drift_that_started_a_run_is_before_it(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    life.checked(1, 1, "drift")
    event = life.planned(kind="drift", by="drift_check", reason="c001")
    graph = traced(life, f"late-arrival/{event['plan']['run_id']}")
    assert [(edge.relation, edge.source) for edge, _ in graph.before(graph.subject)] == [
        ("used by", only(graph, "commit").id),
        ("compared with", "package:late-arrival/1"),
        ("triggered", "check:late-arrival/c001"),
    ]
    assert "triggered by check c001" in text.render(graph)


def test_quality_that_was_lost_is_before_the_run_that_it_started(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    measured = {"window": "w1", "version": 1, "end": "2026-03-02T00:00:00Z", "outcome": "lost", "rows": 900}
    measured |= {"metric": "auc", "metrics": {"auc": 0.61}, "evaluated": {"auc": 0.7}, "worst_segment": "origin"}
    life.world.services.ledger.record(PK, keys.quality_sk("w1", 1), measured)
    event = life.planned(kind="person", reason="w1")
    life.world.services.ledger.update(PK, keys.run_sk(event["plan"]["run_id"]), {"trigger": {**QUALITY_TRIGGER}})
    graph = traced(life, f"late-arrival/{event['plan']['run_id']}")
    assert only(graph, "quality").attributes["value"] == 0.61
    assert "triggered by quality w1" in text.render(graph)
    package = traced(life, "late-arrival/1")
    assert package.nodes["package:late-arrival/1"].attributes["quality"]["outcomes"] == {"lost": 1}
    assert "auc 0.61, 0.7 when evaluated · 900 rows" in text.render(package)


def test_endpoint_leads_to_what_it_serves(life: Life) -> None:
    life.commit("2013-01.csv")
    empty = traced(life, MODEL.name)
    assert only(empty, "endpoint").missing == "there is no endpoint"
    assert "no champion" in text.render(empty)
    life.released(life.registered())
    for asked in (MODEL.name, MODEL.endpoint, ENVIRONMENT.arn("sagemaker", f"endpoint/{MODEL.endpoint}")):
        endpoint = only(traced(life, asked), "endpoint")
        assert (endpoint.attributes["status"], endpoint.attributes["serves"]) == ("InService", ["late-arrival/1"])


def test_run_under_way_has_no_package_yet(life: Life) -> None:
    life.commit("2013-01.csv")
    event = life.planned()
    graph = traced(life, f"late-arrival/{event['plan']['run_id']}")
    assert only(graph, "run").attributes["outcome"] == "under way"
    assert graph.of_kind("package") == []


def test_forgotten_commit_stays_readable(life: Life) -> None:
    old = life.commit("2013-01.csv")
    life.registered()
    new = life.commit("2013-02.csv")
    ledger = life.world.services.ledger
    stone = {"new": new.id, "time": "2026-03-05T10:00:00Z", "by": "carol", "reason": "request 17"}
    ledger.record(keys.dataset_pk("flights"), keys.tombstone_sk(old.id), stone)
    assert "forgotten" not in text.render(traced(life, old.id)), "the head has not moved yet"
    ledger.delete(keys.dataset_pk("flights"), keys.commit_sk(old.id), expected={"tree": old.tree})
    ledger.update(keys.dataset_pk("flights"), keys.commit_sk(new.id), {"parent": None})
    key = f"datasets/flights/commits/{old.id}.json"
    life.world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=key)
    for asked in (old.id[:10], new.id, "late-arrival/1"):
        graph = traced(life, asked)
        node = graph.nodes[f"commit:flights/{old.id}"]
        assert node.attributes["forgotten"] == stone
        assert [after.name for edge, after in graph.after(node.id) if edge.relation == "rewritten as"] == [
            f"flights/{new.id}"
        ]
        said = text.render(graph)
        assert "forgotten at 2026-03-05T10:00:00Z by carol" in said
        assert f"rewritten as commit {new.id[:12]}" in said


def test_what_is_gone_is_said_to_be_gone(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered())
    # The run's package becomes one that the registry does not know: moto deletes none.
    (run,) = life.world.services.ledger.query(PK, keys.run_sk(""))
    life.world.services.ledger.update(PK, run["sk"], {"package_arn": life.arn(9)})
    s3 = life.world.client("s3")
    for kind in ("data", "artifacts"):
        for entry in s3.list_objects_v2(Bucket=ENVIRONMENT.bucket(kind)).get("Contents", []):
            s3.delete_object(Bucket=ENVIRONMENT.bucket(kind), Key=entry["Key"])
    graph = traced(life, "late-arrival/9")
    assert only(graph, "package").missing == "the registry's entry is no longer there"
    assert only(graph, "package").attributes["approval"]["by"] == "bob"
    assert only(graph, "commit").missing == "the manifest is no longer there"
    assert only(graph, "commit").attributes["tree"] == commit.tree
    assert text.render(graph).count("no longer there") == 5
    life.world.services.ledger.delete(PK, run["sk"], expected={"outcome": "registered"})
    gone = traced(life, commit.id)
    assert only(gone, "run").missing == "the ledger's record is no longer there"


def test_no_value_of_a_row_is_in_a_lineage(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered())
    life.checked(1, 1, "drift")
    for asked in ("late-arrival/1", commit.id, MODEL.name):
        graph = traced(life, asked)
        assert "N12345" not in json.dumps(graph.to_document()) + text.render(graph)


@pytest.mark.parametrize("asked", ["late-arrival/0", "late-arrival/9", "nothing", "flights/12", "abcdef0"])
def test_unknown_subject_is_refused(life: Life, asked: str) -> None:
    with pytest.raises(UnknownSubjectError):
        traced(life, asked)


def test_several_commits_with_the_same_first_digits_are_named(life: Life) -> None:
    ledger = life.world.services.ledger
    for end in "ab":
        ledger.record(keys.dataset_pk("flights"), keys.commit_sk("c0ffee" + end * 58), {"tree": "t"})
    with pytest.raises(UnknownSubjectError, match=r"c0ffeeaaaaaa.*c0ffeebbbbbb"):
        traced(life, "c0ffee")
    assert find_subject("c0ffeea", life.world.services, DATASETS) == Subject(
        kind="commit", of="flights", id="c0ffee" + "a" * 58
    )
