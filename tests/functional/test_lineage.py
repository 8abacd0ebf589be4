"""Lineage traced on moto: from packages, commits, runs and endpoints, whole and with parts gone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.contract import ledger as keys
from pipelines.contract.paths import run_prefix
from pipelines.contract.release_state import ReleaseState
from pipelines.data.commits import Commit, Dataset
from pipelines.lineage import text
from pipelines.lineage.graph import Graph, Node
from pipelines.lineage.subject import Subject, UnknownSubjectError, find_subject
from pipelines.lineage.trace import models_that_saw, trace
from pipelines.release.approve import approve_package
from pipelines.retraining.finish import finish_run
from pipelines.retraining.lease import take_from_event
from pipelines.retraining.plan import plan_run
from pipelines.retraining.register import register_candidate
from tests.functional.conftest import ENVIRONMENT, MODEL, PACKAGES_URI, World, serve

PK = keys.model_pk(MODEL.name)
DATASETS = {MODEL.name: "flights"}


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
            "started": f"2026-03-01T1{self.runs}:00:00Z",
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
    ledger.delete(keys.dataset_pk("flights"), keys.commit_sk(old.id), expected={"tree": old.tree})
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
