"""A dataset in versioned buckets, and an audit bucket, for tests of forgetting and restoring."""

import gzip
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.aws.clients import Services
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.datasets.commits.versions import list_versions
from pipelines.datasets.forgetting.forget import Forgetting, ForgettingResult
from pipelines.datasets.forgetting.plan import Plan, Planner
from pipelines.datasets.forgetting.subject import Rows, Subject
from tests.support.world import ENVIRONMENT, World

CANARY = "canary-7f3d"
SUBJECT = Rows(where={"passenger": CANARY})


@dataclass
class Scene:
    """A dataset in versioned buckets, and the buckets and ledger that copies of it may be in."""

    world: World
    folder: Path
    name: str = "flights"

    def dataset(self, clients: Callable[[str], Any] | None = None) -> Dataset:
        """Return the dataset; ``clients`` returns other clients than the world's, for instance crashing ones."""
        client = clients or self.world.client
        return Dataset.in_environment(ENVIRONMENT, self.name, s3=client("s3"), dynamodb=client("dynamodb"))

    def commit(
        self,
        message: str,
        files: Mapping[str, bytes] | None = None,
        *,
        clients: Callable[[str], Any] | None = None,
        **tables: str,
    ) -> Commit:
        """Commit ``files``, which are contents by logical name; ``january="…"`` is january.csv."""
        contents = {**(files or {}), **{f"{name}.csv": text.encode() for name, text in tables.items()}}
        places = {name: self.folder / name for name in contents}
        for name, content in contents.items():
            places[name].write_bytes(content)
        return self.dataset(clients).commit(places, author="ann", message=message)

    def forgetting(self, subject: Subject = SUBJECT, clients: Callable[[str], Any] | None = None) -> Forgetting:
        folder = self.folder / "forgetting"
        folder.mkdir(exist_ok=True)
        planner = Planner(dataset=self.dataset(clients), subject=subject, folder=folder)
        services = Services(ENVIRONMENT, clients or self.world.client)
        return Forgetting(planner=planner, artifacts=services.bucket("artifacts"), audit=services.bucket("audit"))

    def forget(self, subject: Subject = SUBJECT, clients: Callable[[str], Any] | None = None) -> ForgettingResult:
        forgetting = self.forgetting(subject, clients)
        return forgetting.carry_out(forgetting.planner.plan(), by="olga", reason="ticket 12")

    def plan(self, subject: Subject = SUBJECT) -> Plan:
        return self.forgetting(subject).planner.plan()

    def put(self, kind: str, key: str, body: str | bytes) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.world.services.bucket(kind).write(key, content)

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Yield every version of every object, and every item of the ledger; gzip and Parquet also unpacked."""
        s3 = self.world.client("s3")
        for kind in ("data", "artifacts", "audit"):
            bucket = self.world.services.bucket(kind)
            for version in list_versions(bucket, ""):
                if version.is_marker:
                    continue
                body = s3.get_object(Bucket=bucket.name, Key=version.key, VersionId=version.id)["Body"].read()
                yield f"{kind}/{version.key}", body
                if body.startswith(b"\x1f\x8b"):
                    yield f"{kind}/{version.key} unpacked", gzip.decompress(body)
                if body.startswith(b"PAR1"):
                    yield f"{kind}/{version.key} read", pd.read_parquet(io.BytesIO(body)).to_csv().encode()
        for item in self.world.client("dynamodb").scan(TableName=ENVIRONMENT.ledger_table)["Items"]:
            yield "ledger", repr(item).encode()

    def where(self, text: str) -> list[str]:
        return sorted({name for name, body in self.everything() if text.encode() in body})


@pytest.fixture
def scene(world: World, tmp_path: Path) -> Scene:
    s3 = world.client("s3")
    s3.create_bucket(Bucket=ENVIRONMENT.bucket("audit"))
    for kind in ("data", "artifacts", "audit"):
        s3.put_bucket_versioning(Bucket=ENVIRONMENT.bucket(kind), VersioningConfiguration={"Status": "Enabled"})
    return Scene(world=world, folder=tmp_path)


def table(*passengers: str) -> str:
    return "passenger,delay\n" + "".join(f"{name},{at}\n" for at, name in enumerate(passengers))
