"""What earlier releases wrote is read: kept ledgers, settings, manifests, reports and captured traffic.

And what a newer release adds to ledger and settings does not keep this one from reading them, if it is deployed again.
"""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipelines.datasets.commits.commits import Dataset
from pipelines.interface import keys
from pipelines.interface.codec import read
from pipelines.interface.keys import Items, Key
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import EvaluationReport, ValidationReport
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.settings import ModelSettings
from pipelines.monitoring.capture.records import Record, rows_of
from pipelines.views.lineage.facts import RunFacts
from pipelines.views.lineage.subject import find_subject
from pipelines.views.lineage.trace import trace
from tests.support.world import ENVIRONMENT, MODEL, World
from tests.support.written import FIXTURES, restore

RELEASES = sorted(FIXTURES.glob("written_by_*"), key=lambda folder: folder.name)
ITEMS: tuple[Items[Any], ...] = (
    keys.runs(MODEL.name),
    keys.refusals(MODEL.name),
    keys.releases(MODEL.name),
    keys.checks(MODEL.name),
    keys.quality_hours(MODEL.name),
    keys.commits("flights"),
    Items(keys.model_pk(MODEL.name), "approval#", keys.approval(MODEL.name, 1, "").kind),
)
SINGLE: tuple[Key[Any], ...] = (
    keys.lease(MODEL.name),
    keys.champion(MODEL.name),
    keys.status(MODEL.name),
    keys.head("flights"),
)

releases = pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: str(folder.name))


def kept(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "environment.json").read_text())
    return found


def read_ledger(world: World) -> int:
    """Read every item by its key; return how many there are."""
    ledger = world.services.ledger
    found = [record for items in ITEMS for _, record in ledger.query(items)]
    found += [record for key in SINGLE if (record := ledger.get(key))]
    executions = {record.execution for record in found if hasattr(record, "execution")}
    found += [record for arn in executions if (record := ledger.get(keys.execution(arn)))]
    for commit_id, _ in list(ledger.query(keys.commits("flights"))):
        found += [record for _, record in ledger.query(keys.commit_uses("flights", commit_id))]
    return len(found)


def test_there_is_a_kept_release() -> None:
    assert RELEASES


@releases
def test_every_kind_of_record_is_read(folder: Path) -> None:
    documents: Mapping[str, Any] = json.loads((folder / "records.json").read_text())
    for name, document in documents.items():
        module, _, kind = name.rpartition(".")
        assert read(getattr(import_module(module), kind), document, name), name


@releases
def test_every_item_of_the_ledger_is_read_and_traced(folder: Path, world: World) -> None:
    environment = kept(folder)
    restore(world, environment)
    assert read_ledger(world) == len(environment["ledger"])
    graph = trace(world.services, find_subject(MODEL.name, world.services, {MODEL.name: "flights"}))
    assert {node.missing for node in graph.nodes.values() if isinstance(node.facts, RunFacts)} == {""}


@releases
def test_settings_release_state_commits_and_reports_are_read(folder: Path, world: World) -> None:
    restore(world, kept(folder))
    services = world.services
    assert services.settings(MODEL.name).model == MODEL.name
    assert ReleaseState.from_value(services.parameter(MODEL.release_parameter)).champion == MODEL.package_arn(1)
    dataset = Dataset.in_environment(ENVIRONMENT, "flights", s3=world.client("s3"), dynamodb=world.client("dynamodb"))
    assert [file.path for file in dataset.head().files] == ["2013-01.csv", "2013-02.csv.gz"]
    (run,) = (run for _, run in services.ledger.query(keys.runs(MODEL.name)) if run.package_arn)
    files, artifacts = RunFiles(MODEL.name, run.run_id), services.bucket("artifacts")
    assert artifacts.read_record(EvaluationReport, files.evaluation).metric == "auc"
    assert artifacts.read_record(ValidationReport, files.validation).rows == 1200


@releases
def test_captured_traffic_is_read(folder: Path) -> None:
    lines = (folder / "capture.jsonl").read_bytes().splitlines()
    tables = [rows_of(msgspec.json.decode(line, type=Record)) for line in lines]
    assert [(sorted(table), len(predictions)) for table, predictions in tables] == [
        (["carrier", "distance"], 2),
        (["carrier", "distance"], 1),
        (["carrier", "distance"], 1),
    ]


@releases
def test_fields_that_a_newer_release_adds_are_left_out(folder: Path, world: World) -> None:
    environment = kept(folder)
    for item in environment["ledger"]:
        item["added_later"] = {"S": "x"}
    settings = environment["parameters"][MODEL.settings_parameter]
    settings["Value"] = json.dumps({**json.loads(settings["Value"]), "added_later": {"x": 1}})
    restore(world, environment)
    assert read_ledger(world) == len(environment["ledger"])
    assert isinstance(world.services.settings(MODEL.name), ModelSettings)
