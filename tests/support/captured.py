"""A version in service and what is captured of it, for the tests of checks."""

import base64
import json
import random
from typing import Any

from pipelines.interface import keys
from pipelines.interface.release_state import ReleaseState
from pipelines.monitoring.check import check_drift
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.profile import PREDICTION, Profile
from tests.support.world import MODEL, World

FOLDER = f"{MODEL.name}/v1/{MODEL.endpoint}/champion/2026/03/01/11"
HEADER = ["temp", "origin"]


def record(
    rows: list[list[Any]],
    *,
    time: str = "11:10",
    event_id: str = "",
    encoding: str = "CSV",
    answers: list[float] | None = None,
    **metadata: str,
) -> str:
    """One captured exchange as a line; ``time`` is of 1 March 2026."""
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


def register(world: World, reference: list[list[Any]], evaluation: dict[str, Any] | None = None) -> int:
    """Register a version whose baseline is ``reference``, and let it serve; returns its number."""
    table = {name: [row[number] for row in reference] for number, name in enumerate(HEADER)}
    chosen = random.Random(0)
    profile = Profile.of([{**table, PREDICTION: [chosen.random() for _ in reference]}], categories=["origin"])
    artifacts, key = world.services.bucket("artifacts"), f"runs/late-arrival/{len(reference)}/evaluation/baseline.json"
    artifacts.write_json(key, Baseline(profile=profile).to_document())
    if evaluation:
        artifacts.write_json(key.replace("baseline", "evaluation"), evaluation)
    arn = world.client("sagemaker").create_model_package(
        ModelPackageGroupName=MODEL.package_group,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"baseline_uri": artifacts.uri(key)},
    )["ModelPackageArn"]
    world.services.put_parameter(MODEL.release_parameter, ReleaseState(champion=arn).to_value())
    return int(arn.rpartition("/")[2])


def put(world: World, name: str, *lines: str, folder: str = FOLDER) -> None:
    world.services.bucket("capture").write(f"{folder}/{name}", "\n".join(lines).encode())


def recorded(world: World) -> list[dict[str, Any]]:
    return list(world.services.ledger.query(keys.model_pk(MODEL.name), "check#"))


def check(world: World, end: str = "12:00", **more: str) -> dict[str, Any]:
    """Check the two hours up to ``end``."""
    event = {"model": MODEL.name, "scheduled_at": f"2026-03-01T{end}:00Z", **more}
    return check_drift(event, world.services, key_arn="arn:aws:kms:us-east-1:123456789012:key/k")
