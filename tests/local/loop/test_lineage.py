"""Lineage and reproduction of a deployed model, through the commands, under enforced policies."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from mooring.demo.chapters import DATASET, MODEL
from mooring.deployed import DeployedEnvironment, wait
from pipelines.aws.packages import read_package
from pipelines.interface import keys
from pipelines.interface.events import SOURCE, RetrainingRequested
from pipelines.interface.records import Lease, Refusal, TriggerKind
from tests.local.loop.test_commands import run, run_json


def nodes(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [node["attributes"] for node in document["nodes"] if node["kind"] == kind]


def commit_of(arrivals: DeployedEnvironment) -> str:
    """Return the commit that the first version was trained on, as its package says."""
    services = arrivals.services("auditor")
    return read_package(services, arrivals.environment.model(MODEL).package_arn(1)).metadata.commit


def lease_of(arrivals: DeployedEnvironment) -> Lease:
    lease = arrivals.ledger.get(keys.lease(MODEL))
    assert lease is not None
    return lease


def test_lineage_of_the_endpoint_leads_to_its_commit(arrivals: DeployedEnvironment, tmp_path: Path) -> None:
    commit = commit_of(arrivals)
    picture = tmp_path / "lineage.svg"
    text = run("lineage", arrivals.environment.id, MODEL, "--svg", str(picture))
    assert f"commit {commit[:12]}" in text
    assert "no longer there" not in text, "the auditor may read everything"
    ET.parse(picture)
    found = run_json("lineage", arrivals.environment.id, f"{MODEL}/1")
    steps = {job["step"]: job for job in nodes(found, "job")}
    assert [steps[step]["status"] for step in ("validate", "train", "evaluate")] == ["Completed"] * 3
    assert steps["validate"]["validation"]["outcome"] == "passed"
    assert steps["evaluate"]["evaluation"]["candidate"]["auc"] > 0.6
    assert nodes(found, "package")[0]["approval"]["by"]
    assert "released" in [release["outcome"] for release in nodes(found, "release")]


def test_lineage_of_a_commit_has_the_versions_trained_on_it(arrivals: DeployedEnvironment) -> None:
    commit = commit_of(arrivals)
    found = run_json("lineage", arrivals.environment.id, commit[:10])
    assert found["subject"] == f"commit:{DATASET}/{commit}"
    assert f"{MODEL}/1" in [f"{package['model']}/{package['version']}" for package in nodes(found, "package")]


def test_version_is_reproduced_to_the_last_digit(arrivals: DeployedEnvironment) -> None:
    lease = lease_of(arrivals)
    versions = len(nodes(run_json("lineage", arrivals.environment.id, f"{MODEL}/1"), "package"))
    command = ("reproduce", arrivals.environment.id, MODEL, "1", "--wait")
    comparison = run_json(*command, "--reason", "a test")["comparison"]
    assert (comparison["outcome"], comparison["exact"], comparison["differences"]) == ("reproduced", True, [])
    same = {what: comparison[what] for what in ("artifact", "training_rows", "holdout_rows")}
    assert same == dict.fromkeys(same, "equal")
    after = lease_of(arrivals)
    assert (after.runs_today, after.cooldown_until) == (lease.runs_today, lease.cooldown_until)
    traced = run_json("lineage", arrivals.environment.id, f"{MODEL}/1")
    assert "reproduced by" in [edge["relation"] for edge in traced["edges"]]
    assert len(nodes(traced, "package")) == versions, "nothing was registered"


def test_event_starts_no_reproduction(arrivals: DeployedEnvironment) -> None:
    trigger = {"kind": TriggerKind.REPRODUCTION, "id": "by-event", "by": "tester", "reason": "smuggled"}
    trigger["package_arn"] = arrivals.environment.model(MODEL).package_arn(1)
    entry = {
        "EventBusName": arrivals.environment.bus,
        "Source": SOURCE,
        "DetailType": RetrainingRequested.DETAIL_TYPE,
        "Detail": json.dumps({"model": MODEL, "trigger": trigger}),
    }
    arrivals.client("events", "engineer").put_events(Entries=[entry])

    def refused() -> Refusal | None:
        found = [refusal for _, refusal in arrivals.ledger.query(keys.refusals(MODEL)) if refusal.id == "by-event"]
        return found[0] if found else None

    assert wait(refused, what="the refusal", timeout_s=30).refusal == "TriggerRefusedError"
