"""Lineage and reproduction of what the loop has made, through the commands, under enforced policies."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from mooring.demo.chapters import DATASET, MODEL
from mooring.deployed import DeployedEnvironment, wait
from pipelines.interface import events
from tests.local.loop.test_commands import run, run_json


def nodes(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [node["attributes"] for node in document["nodes"] if node["kind"] == kind]


def commit_of(arrivals: DeployedEnvironment) -> str:
    """What the first version was trained on, as its package says."""
    return str(arrivals.package(arrivals.package_arn(MODEL, 1))["CustomerMetadataProperties"]["commit"])


def test_served_model_leads_back_to_its_commit(arrivals: DeployedEnvironment, tmp_path: Path) -> None:
    commit = commit_of(arrivals)
    picture = tmp_path / "lineage.svg"
    text = run("lineage", arrivals.environment.id, MODEL, "--svg", str(picture))
    assert f"commit {commit[:12]}" in text
    assert "no longer there" not in text, "the auditor may read all of it"
    ET.parse(picture)
    found = run_json("lineage", arrivals.environment.id, f"{MODEL}/1")
    steps = {job["step"]: job for job in nodes(found, "job")}
    assert [steps[step]["status"] for step in ("validate", "train", "evaluate")] == ["Completed"] * 3
    assert steps["validate"]["validation"]["outcome"] == "passed"
    assert steps["evaluate"]["evaluation"]["candidate"]["auc"] > 0.6
    assert nodes(found, "package")[0]["approval"]["by"]
    assert "released" in [release["outcome"] for release in nodes(found, "release")]


def test_commit_names_the_models_that_have_seen_it(arrivals: DeployedEnvironment) -> None:
    commit = commit_of(arrivals)
    found = run_json("lineage", arrivals.environment.id, commit[:10])
    assert found["subject"] == f"commit:{DATASET}/{commit}"
    assert f"{MODEL}/1" in [f"{package['model']}/{package['version']}" for package in nodes(found, "package")]


def test_version_is_made_again_to_the_last_digit(arrivals: DeployedEnvironment) -> None:
    lease = arrivals.model_items(MODEL, "lease")[0]
    versions = len(nodes(run_json("lineage", arrivals.environment.id, f"{MODEL}/1"), "package"))
    asked = ("reproduce", arrivals.environment.id, MODEL, "1", "--wait")
    comparison = run_json(*asked, "--reason", "a test")["comparison"]
    assert (comparison["outcome"], comparison["exact"], comparison["differences"]) == ("reproduced", True, [])
    same = {what: comparison[what] for what in ("artifact", "training_rows", "holdout_rows")}
    assert same == dict.fromkeys(same, "equal")
    after = arrivals.model_items(MODEL, "lease")[0]
    assert [after[name] for name in ("runs_today", "cooldown_until")] == [
        lease[name] for name in ("runs_today", "cooldown_until")
    ]
    traced = run_json("lineage", arrivals.environment.id, f"{MODEL}/1")
    assert "reproduced by" in [edge["relation"] for edge in traced["edges"]]
    assert len(nodes(traced, "package")) == versions, "nothing was registered"


def test_event_starts_no_reproduction(arrivals: DeployedEnvironment) -> None:
    trigger = {"kind": events.REPRODUCTION, "id": "by-event", "by": "tester", "reason": "smuggled"}
    trigger["package_arn"] = arrivals.package_arn(MODEL, 1)
    entry = {
        "EventBusName": arrivals.environment.bus,
        "Source": events.SOURCE,
        "DetailType": events.RETRAINING_REQUESTED,
        "Detail": json.dumps({"model": MODEL, "trigger": trigger}),
    }
    arrivals.client("events", "engineer").put_events(Entries=[entry])

    def refused() -> dict[str, Any] | None:
        found = [item for item in arrivals.model_items(MODEL, "refusal#") if item["id"] == "by-event"]
        return found[0] if found else None

    assert wait(refused, what="the refusal", timeout_s=30)["refusal"] == "TriggerRefusedError"
