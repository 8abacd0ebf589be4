"""Tests lineages on moto: of packages, commits, runs and endpoints, whole, and with parts missing or damaged."""

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import TypeVar, get_type_hints

import pytest

from pipelines.interface import keys
from pipelines.interface.keys import Key
from pipelines.interface.paths import RunFiles, commit_key
from pipelines.interface.records import (
    CheckOutcome,
    CommitRecord,
    QualityOutcome,
    Run,
    Tombstone,
    Trigger,
    TriggerKind,
)
from pipelines.views.lineage import svg, text
from pipelines.views.lineage.facts import (
    CheckCounts,
    CheckFacts,
    ColumnDrift,
    CommitFacts,
    EndpointFacts,
    JobFacts,
    PackageFacts,
    QualityFacts,
    ReleaseFacts,
    RunDetails,
    RunFacts,
)
from pipelines.views.lineage.graph import Graph, Node
from pipelines.views.lineage.subject import Subject, UnknownSubjectError, find_subject
from pipelines.views.lineage.trace import RunOfCommit, models_that_saw, trace
from tests.support.life import VALUE_OF_A_ROW, Life
from tests.support.world import ENVIRONMENT, MODEL, World

F = TypeVar("F")
R = TypeVar("R")

DATASETS = {MODEL.name: "flights"}
TOMBSTONE_TIME = "2026-03-05T10:00:00Z"


@dataclass(frozen=True)
class PackageOfRun:
    package_arn: str


@dataclass(frozen=True)
class TriggerOfRun:
    trigger: Trigger


@dataclass(frozen=True)
class ParentOfCommit:
    parent: str | None


@pytest.fixture
def life(world: World, tmp_path: Path) -> Life:
    return Life(world=world, folder=tmp_path)


def traced(life: Life, asked: str) -> Graph:
    return trace(life.world.services, find_subject(asked, life.world.services, DATASETS))


def all_of(graph: Graph, kind: type[F]) -> list[F]:
    """Return the facts of all nodes of one kind."""
    return [node.facts for node in graph.nodes.values() if isinstance(node.facts, kind)]


def only(graph: Graph, kind: type[F]) -> F:
    (facts,) = all_of(graph, kind)
    return facts


def node_of(graph: Graph, kind: type[F]) -> Node:
    (node,) = (node for node in graph.nodes.values() if isinstance(node.facts, kind))
    return node


def details_of(run: RunFacts) -> RunDetails:
    assert run.details is not None
    return run.details


def runs_of(life: Life) -> list[Run]:
    return [run for _, run in life.world.services.ledger.query(keys.runs(MODEL.name))]


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


def forget(life: Life, old: str, new: str, parent: str | None) -> Tombstone:
    """Rewrite a commit as another one, as a forgetting does."""
    ledger = life.world.services.ledger
    tombstone = Tombstone(new=new, time=TOMBSTONE_TIME, by="carol", reason="request 17")
    ledger.record(keys.tombstone("flights", old), tombstone)
    ledger.delete(keys.commit("flights", old), expected={"parent": parent})
    ledger.update(keys.commit("flights", new), ParentOfCommit(parent=None))
    life.world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=commit_key("flights", old))
    return tombstone


def test_package_leads_back_to_its_commit_and_on_to_its_release(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered(auc=0.71))
    outcomes = (CheckOutcome.STABLE, CheckOutcome.DRIFT, CheckOutcome.STABLE, CheckOutcome.INSUFFICIENT_DATA)
    for number, outcome in enumerate(outcomes):
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
    run, package = only(graph, RunFacts), only(graph, PackageFacts)
    details = details_of(run)
    assert only(graph, CommitFacts).commit == commit.id
    assert details.recipe is not None
    assert (run.outcome, details.trigger.by, details.recipe.image[-5:]) == ("registered", "alice", "1.9-0")
    assert package.approval is not None
    assert package.approval.by == "bob"
    assert package.checks == CheckCounts(
        total=4,
        outcomes={"drift": 1, "insufficient_data": 1, "stable": 2},
        first="2026-03-02T00:00:00Z",
        last="2026-03-02T03:00:00Z",
    )
    assert only(graph, CheckFacts).worst == (ColumnDrift(name="temp", psi=1.5, effect=0.4),)
    jobs = {job.step: job for job in all_of(graph, JobFacts)}
    assert jobs["evaluate"].evaluation is not None
    assert jobs["evaluate"].evaluation.candidate["auc"] == 0.71
    assert jobs["validate"].validation is not None
    assert jobs["validate"].validation.rows == 1200
    assert jobs["train"].name is not None
    assert jobs["train"].name.startswith("late-arrival-train-")
    assert "no longer there" in graph.nodes[f"job:late-arrival/{run.run_id}/train"].missing


def test_commit_leads_to_every_run_that_used_it(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered())
    life.failed()
    later = life.commit("2013-02.csv")
    graph = traced(life, commit.id[:8])
    runs = all_of(graph, RunFacts)
    assert [(run.outcome, details_of(run).cause) for run in runs] == [("registered", ""), ("failed", "out of memory")]
    failed = graph.nodes[f"run:late-arrival/{runs[1].run_id}"]
    jobs = [node.facts for _, node in graph.after(failed.id) if isinstance(node.facts, JobFacts)]
    assert [job.step for job in jobs] == ["validate", "train"]
    assert str(jobs[1].name).endswith("-2"), "the attempt that failed"
    first, second = models_that_saw(life.world.services, "flights", commit.id)
    assert first == RunOfCommit(
        model="late-arrival", run_id=runs[0].run_id, outcome="registered", package="late-arrival/1"
    )
    assert (second.outcome, second.package) == ("failed", None)
    assert models_that_saw(life.world.services, "flights", later.id) == []
    assert "No run has used this commit." in text.render(traced(life, f"flights/{later.id}"))


def test_package_names_its_champion_and_its_challengers(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered(auc=0.71))
    life.commit("2013-02.csv")
    life.registered(auc=0.75)
    assert "compared with late-arrival v1" in text.render(traced(life, "late-arrival/v2"))
    challenged = traced(life, "late-arrival/1")
    (edge,) = [edge for edge in challenged.edges if edge.relation == "compared with"]
    assert edge.source == "package:late-arrival/1"
    challenger = challenged.nodes[edge.target].facts
    assert isinstance(challenger, RunFacts)
    assert details_of(challenger).package == "late-arrival/2"


def test_drift_check_leads_to_the_run_that_it_started(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    life.checked(1, 1, CheckOutcome.DRIFT)
    run_id = life.planned(kind=TriggerKind.DRIFT, by="drift_check", reason="c001").plan.run_id
    graph = traced(life, f"late-arrival/{run_id}")
    assert [(edge.relation, edge.source) for edge, _ in graph.before(graph.subject)] == [
        ("used by", node_of(graph, CommitFacts).id),
        ("compared with", "package:late-arrival/1"),
        ("triggered", "check:late-arrival/c001"),
    ]
    assert "triggered by check c001" in text.render(graph)


def test_lost_quality_leads_to_the_run_that_it_started(life: Life) -> None:
    life.commit("2013-01.csv")
    life.released(life.registered())
    life.measured(1, "w1", QualityOutcome.LOST)
    run_id = life.planned(reason="w1").plan.run_id
    trigger = Trigger(kind=TriggerKind.QUALITY, id="e1", by="drift_check", reason="w1")
    life.world.services.ledger.update(keys.run(MODEL.name, run_id), TriggerOfRun(trigger=trigger))
    graph = traced(life, f"late-arrival/{run_id}")
    assert only(graph, QualityFacts).value == 0.61
    assert "triggered by quality w1" in text.render(graph)
    package = traced(life, "late-arrival/1")
    counted = only(package, PackageFacts).quality
    assert counted is not None
    assert counted.outcomes == {"lost": 1}
    assert "auc 0.61, 0.7 when evaluated · 900 rows" in text.render(package)


def test_endpoint_leads_to_what_it_serves(life: Life) -> None:
    life.commit("2013-01.csv")
    empty = traced(life, MODEL.name)
    assert node_of(empty, EndpointFacts).missing == "there is no endpoint"
    assert "no champion" in text.render(empty)
    life.released(life.registered())
    for asked in (MODEL.name, MODEL.endpoint, ENVIRONMENT.arn("sagemaker", f"endpoint/{MODEL.endpoint}")):
        state = only(traced(life, asked), EndpointFacts).state
        assert state is not None
        assert (state.status, state.serves) == ("InService", ("late-arrival/1",))


def test_run_under_way_has_no_package_yet(life: Life) -> None:
    life.commit("2013-01.csv")
    graph = traced(life, f"late-arrival/{life.planned().plan.run_id}")
    assert only(graph, RunFacts).outcome == "under way"
    assert details_of(only(graph, RunFacts)).cause is None
    assert all_of(graph, PackageFacts) == []


def test_forgotten_commit_stays_readable(life: Life) -> None:
    old = life.commit("2013-01.csv")
    life.registered()
    new = life.commit("2013-02.csv")
    tombstone = Tombstone(new=new.id, time=TOMBSTONE_TIME, by="carol", reason="request 17")
    life.world.services.ledger.record(keys.tombstone("flights", old.id), tombstone)
    assert "forgotten" not in text.render(traced(life, old.id)), "the head has not moved yet"
    forget(life, old.id, new.id, old.parent)
    for asked in (old.id[:10], new.id, "late-arrival/1"):
        graph = traced(life, asked)
        node = graph.nodes[f"commit:flights/{old.id}"]
        assert isinstance(node.facts, CommitFacts)
        assert node.facts.forgotten == tombstone
        assert [after.name for edge, after in graph.after(node.id) if edge.relation == "rewritten as"] == [
            f"flights/{new.id}"
        ]
        rendered = text.render(graph)
        assert "forgotten at 2026-03-05T10:00:00Z by carol" in rendered
        assert f"rewritten as commit {new.id[:12]}" in rendered


def test_missing_things_are_shown_as_missing(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered())
    ledger = life.world.services.ledger
    # The run's package becomes one that the registry does not know: moto deletes none.
    (run,) = runs_of(life)
    key = keys.run(MODEL.name, run.run_id)
    ledger.update(key, PackageOfRun(package_arn=MODEL.package_arn(9)))
    s3 = life.world.client("s3")
    for kind in ("data", "artifacts"):
        for entry in s3.list_objects_v2(Bucket=ENVIRONMENT.bucket(kind)).get("Contents", []):
            s3.delete_object(Bucket=ENVIRONMENT.bucket(kind), Key=entry["Key"])
    graph = traced(life, "late-arrival/9")
    assert node_of(graph, PackageFacts).missing == "the registry's entry is no longer there"
    approval, origin = only(graph, PackageFacts).approval, only(graph, CommitFacts).origin
    assert approval is not None
    assert approval.by == "bob"
    assert node_of(graph, CommitFacts).missing == "the manifest is no longer there"
    assert origin is not None
    assert origin.tree == commit.tree
    assert text.render(graph).count("no longer there") == 5
    ledger.delete(key, expected={"outcome": "registered"})
    gone = traced(life, commit.id)
    assert node_of(gone, RunFacts).missing == "the ledger's record is no longer there"
    assert [edge.relation for edge, _ in gone.before(node_of(gone, RunFacts).id)] == ["used by"]
    (use,) = models_that_saw(life.world.services, "flights", commit.id)
    assert (use.outcome, use.package) == ("unknown", None)


# -- damaged items -----------------------------------------------------------------------------------------------------


def drawn(graph: Graph) -> str:
    """Return the graph in every form in which it is shown."""
    return json.dumps(graph.to_document()) + text.render(graph) + svg.render(graph)


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


# -- what is never shown, and what is refused --------------------------------------------------------------------------


def test_no_value_of_a_row_is_in_a_lineage(life: Life) -> None:
    commit = life.commit("2013-01.csv")
    life.released(life.registered())
    life.checked(1, 1, CheckOutcome.DRIFT)
    for asked in ("late-arrival/1", commit.id, MODEL.name):
        assert VALUE_OF_A_ROW not in drawn(traced(life, asked))


@pytest.mark.parametrize("asked", ["late-arrival/0", "late-arrival/9", "nothing", "flights/12", "abcdef0"])
def test_unknown_subject_is_refused(life: Life, asked: str) -> None:
    with pytest.raises(UnknownSubjectError):
        traced(life, asked)


def test_unknown_run_is_refused(life: Life) -> None:
    with pytest.raises(UnknownSubjectError, match="late-arrival has no run 20260301T100000Z-0a1b2c3d4e5f"):
        traced(life, "late-arrival/20260301T100000Z-0a1b2c3d4e5f")


def test_several_commits_with_the_same_first_digits_are_named(life: Life) -> None:
    record = CommitRecord(tree="t", parent=None, time="2026-03-01T10:00:00Z", manifest_sha256="0" * 64)
    for end in "ab":
        life.world.services.ledger.record(keys.commit("flights", "c0ffee" + end * 58), record)
    with pytest.raises(UnknownSubjectError, match=r"c0ffeeaaaaaa.*c0ffeebbbbbb"):
        traced(life, "c0ffee")
    assert find_subject("c0ffeea", life.world.services, DATASETS) == Subject(
        kind="commit", of="flights", id="c0ffee" + "a" * 58
    )
