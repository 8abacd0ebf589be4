"""Files in the landing prefix of moto's S3, and what landing made of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.aws.clients import Services
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.interface.keys import Items
from pipelines.interface.landing import landing_pk
from pipelines.interface.records import LandingBatch
from tests.support.world import ENVIRONMENT, World

CSV = b"a,b\n1,2\n3,4\n"
BUCKET = ENVIRONMENT.bucket("data")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def versioned(world: World) -> None:
    world.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def drop(world: World, name: str, content: bytes = CSV) -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key=f"landing/{name}", Body=content)


def head(world: World) -> Commit:
    return dataset(world).head()


def dataset(world: World) -> Dataset:
    return Dataset(name="flights", bucket=world.services.bucket("data"), ledger=world.services.ledger)


def left(world: World) -> list[str]:
    """Return the keys of all versions and delete markers below landing/."""
    answer = world.client("s3").list_object_versions(Bucket=BUCKET, Prefix="landing/")
    return [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in answer.get(kind, [])]


def quarantined(world: World, name: str = "flights") -> dict[str, str]:
    """Return the reasons by the keys where the files landed; each content must be beside its reason."""
    data, found = world.services.bucket("data"), {}
    keys = data.keys(f"quarantine/{name}/")
    for key in keys:
        if key.endswith("/reason.json"):
            about = data.read_json(key)
            assert key.replace("reason.json", "content") in keys
            found[about["key"]] = about["reason"]
    return found


def recorded(world: World) -> list[LandingBatch]:
    return [batch for _, batch in world.services.ledger.query(Items(landing_pk("flights"), "batch#", LandingBatch))]


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines of the log without time and level; metrics are left out."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{n: v for n, v in line.items() if n not in ("time", "level")} for line in lines if "level" in line]


@dataclass
class Spying:
    """S3 client that calls a function before some operations; it may raise an error."""

    s3: Any
    before: dict[str, Callable[[dict[str, Any]], None]]
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.s3, name)
        if name not in self.before:
            return real

        def call(*arguments: Any, **request: Any) -> Any:
            self.calls.append(name)
            self.before[name](request)
            return real(*arguments, **request)

        return call


def with_s3(world: World, before: dict[str, Callable[[dict[str, Any]], None]]) -> tuple[Services, Spying]:
    spying = Spying(world.client("s3"), before)
    return Services(ENVIRONMENT, lambda name: spying if name == "s3" else world.client(name)), spying
