"""Lineages on moto: of packages, commits, runs and endpoints, whole, and with parts missing."""

import pytest

from pipelines.interface import keys
from pipelines.interface.records import (
    CheckOutcome,
    CommitRecord,
    QualityOutcome,
    Tombstone,
    Trigger,
    TriggerKind,
)
from pipelines.views.lineage import text
from pipelines.views.lineage.facts import (
    CheckCounts,
    CheckFacts,
    ColumnDrift,
    CommitFacts,
    EndpointFacts,
    JobFacts,
    PackageFacts,
    QualityFacts,
    RunDetails,
    RunFacts,
)
from pipelines.views.lineage.subject import Subject, UnknownSubjectError, find_subject
from pipelines.views.lineage.trace import RunOfCommit, models_that_saw
from tests.support.life import VALUE_OF_A_ROW, Life
from tests.support.lineage import (
    DATASETS,
    TOMBSTONE_TIME,
    PackageOfRun,
    TriggerOfRun,
    all_of,
    drawn,
    forget,
    life,
    node_of,
    only,
    runs_of,
    traced,
)
from tests.support.world import ENVIRONMENT, MODEL

__all__ = ["life"]


def details_of(run: RunFacts) -> RunDetails:
    assert run.details is not None
    return run.details


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
