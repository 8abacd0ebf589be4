"""Builds a version in service and captured traffic, for the tests of checks."""

import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel

from pipelines.interface import keys
from pipelines.interface.names import version_of
from pipelines.interface.records import Check, EvaluationReport, Leftovers, Release, ReleaseOutcome
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.requests import CheckAnswer, CheckRequest
from pipelines.monitoring.capture.listing import BATCH_BYTES
from pipelines.monitoring.check import check_drift
from pipelines.monitoring.drift.fan_out import FAN_OUT_BYTES
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.profile import PREDICTION, Profile
from tests.support.world import MODEL, World

FOLDER = f"{MODEL.name}/v1/{MODEL.endpoint}/champion/2026/03/01/11"
HEADER = ["temp", "origin"]
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"


def record(
    rows: list[list[Any]],
    *,
    time: str = "11:10",
    event_id: str = "",
    encoding: str = "CSV",
    answers: list[float] | None = None,
    **metadata: str,
) -> str:
    """Return one captured request as a line; ``time`` is of 1 March 2026."""
    body = "\n".join(",".join(map(str, row)) for row in [HEADER, *rows])
    if encoding == "JSON":
        body = json.dumps([dict(zip(HEADER, row, strict=True)) for row in rows])
    chosen = random.Random(len(rows))
    answer = "\n".join(map(str, answers or [chosen.random() for _ in rows]))
    kind = "application/json" if encoding == "JSON" else "text/csv"
    if encoding == "BASE64":
        body, answer = (base64.b64encode(text.encode()).decode() for text in (body, answer))
    output = "CSV" if encoding == "JSON" else encoding
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {"observedContentType": kind, "mode": "INPUT", "data": body, "encoding": encoding},
                "endpointOutput": {
                    "observedContentType": "text/csv",
                    "mode": "OUTPUT",
                    "data": answer,
                    "encoding": output,
                },
            },
            "eventMetadata": {
                "eventId": event_id or str(random.random()),
                "inferenceTime": f"2026-03-01T{time}:00Z",
                **metadata,
            },
            "eventVersion": "0",
        }
    )


def rows(count: int, shift: float = 0.0) -> list[list[Any]]:
    chosen = random.Random(count)
    return [[chosen.gauss(50 + shift, 10), chosen.choice(["JFK", "EWR"])] for _ in range(count)]


def register(world: World, reference: list[list[Any]], evaluation: EvaluationReport | None = None) -> int:
    """Register a version whose baseline is ``reference``, let it serve, and return its number."""
    table = {name: [row[number] for row in reference] for number, name in enumerate(HEADER)}
    chosen = random.Random(0)
    profile = Profile.of([{**table, PREDICTION: [chosen.random() for _ in reference]}], categories=["origin"])
    artifacts, folder = world.services.bucket("artifacts"), f"runs/late-arrival/{len(reference)}/evaluation"
    artifacts.write_json(f"{folder}/baseline.json", Baseline(profile=profile).to_document())
    if evaluation:
        artifacts.write_record(f"{folder}/evaluation.json", evaluation)
    arn = world.create_package(
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"baseline_uri": artifacts.uri(f"{folder}/baseline.json")},
    )
    version = version_of(arn)
    record_release(world, version, begun=f"2026-03-01T10:{version:02}:00Z")
    world.services.put_parameter(MODEL.release_parameter, ReleaseState(champion=arn).to_value())
    return version


def record_release(world: World, version: int, *, begun: str) -> None:
    """Record the release of a version that replaced the champion."""
    release = Release(
        release_id=f"{begun}-{version}",
        execution=f"release-{version}",
        model=MODEL.name,
        package_arn=MODEL.package_arn(version),
        by="approval",
        rollback=False,
        previous=world.services.parameter(MODEL.release_parameter),
        intended=ReleaseState(champion=MODEL.package_arn(version)).to_value(),
        predecessors=Leftovers(),
        begun=begun,
        outcome=ReleaseOutcome.RELEASED,
    )
    world.services.ledger.record(keys.release(MODEL.name, release.release_id), release)


def put(world: World, name: str, *lines: str, folder: str = FOLDER) -> None:
    world.services.bucket("capture").write(f"{folder}/{name}", "\n".join(lines).encode())


def recorded(world: World) -> list[Check]:
    """Return the checks in the ledger, in order of their windows."""
    return [found for _, found in world.services.ledger.query(keys.checks(MODEL.name))]


def check(
    world: World,
    end: str = "12:00",
    *,
    begin: str | None = None,
    day: int = 1,
    fan_out_bytes: int = FAN_OUT_BYTES,
    batch_bytes: int = BATCH_BYTES,
) -> CheckAnswer:
    """Check the two hours up to ``end`` on a day of March 2026, or those from ``begin`` on, an ISO 8601 time."""
    request = CheckRequest(model=MODEL.name, scheduled_at=f"2026-03-{day:02}T{end}:00Z", begin=begin)
    return check_drift(request, world.services, key_arn=KEY, fan_out_bytes=fan_out_bytes, batch_bytes=batch_bytes)


def calls_of(world: World, act: Callable[[], object]) -> Counter[str]:
    """Return how often each operation was called."""
    found = Counter[str]()

    def count(model: OperationModel, **_: object) -> None:
        found[model.name] += 1

    clients = [world.client(service) for service in ("s3", "dynamodb", "ssm")]
    clients.append(world.client("sagemaker").moto)
    for client in clients:
        client.meta.events.register("before-call", count)
    act()
    for client in clients:
        client.meta.events.unregister("before-call", count)
    return found
