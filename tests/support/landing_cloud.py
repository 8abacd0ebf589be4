"""AWS in memory as far as landing uses it: versions are listed, copied and deleted; settings, events, alerts."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.aws.clients import Services
from pipelines.aws.ledger import Ledger
from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.commits import Dataset
from pipelines.datasets.landing.landing import land
from pipelines.interface.names import Environment
from tests.support.memory_cloud import OWNER, S3, Calls, Cloud, DynamoDb, Hook, refusal

ENVIRONMENT = Environment(team="t", stage="dev", account=OWNER, region="us-east-1")
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class LandingCloud(Cloud):
    """State of the services. ``requested`` are the ids of the commits that retrainings were requested for.

    ``landed`` are each key's versions below the landing prefix, newest first, as (VersionId, bytes, time).
    """

    landed: dict[str, list[tuple[str, bytes, datetime]]] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    versions: int = 0

    def drop(self, name: str, content: bytes) -> None:
        with self.lock:
            self.versions += 1
            entry = (f"v{self.versions}", content, BEGINNING + timedelta(seconds=self.versions))
            self.landed.setdefault(f"landing/d/{name}", []).insert(0, entry)

    def services(self, hook: Hook = lambda _: None) -> Services:
        calls = Calls(hook)
        clients: dict[str, Any] = {
            "s3": LandingS3(self, calls),
            "dynamodb": LandingDynamoDb(self, calls),
            "ssm": Settings(),
            "events": Bus(self, calls),
            "sns": Topic(self, calls),
        }
        return Services(ENVIRONMENT, clients.__getitem__)

    def run(self, hook: Hook = lambda _: None, *, at: datetime = BEGINNING) -> None:
        land(self.services(hook), now=lambda: at, seconds=lambda: 0.0, workers=1)

    def reader(self) -> Dataset:
        services = self.services()
        bucket = Bucket(client=services.client("s3"), name="data", owner=OWNER)
        return Dataset(name="d", bucket=bucket, ledger=Ledger(client=services.client("dynamodb"), table="l"), workers=1)

    def head(self) -> dict[str, bytes]:
        """Return the newest commit's files."""
        dataset = self.reader()
        if dataset.read_head() is None:
            return {}
        return {
            file.path: dataset.bucket.open(f"datasets/d/objects/{file.sha256}").read() for file in dataset.head().files
        }

    def quarantined(self) -> list[bytes]:
        return [versions[-1][0] for key, versions in self.objects.items() if key.endswith("/content")]


class LandingS3(S3):
    cloud: LandingCloud

    def get_object(self, **request: Any) -> Any:
        if not request["Key"].startswith("landing/"):
            return super().get_object(**request)
        return self.calls("GetObject", lambda: self._get_landed(request["Key"], request["VersionId"]))

    def _get_landed(self, key: str, version: str) -> Any:
        return {"Body": Body(self._find(key, version))}

    def _find(self, key: str, version: str) -> bytes:
        for found, content, _ in self.cloud.landed.get(key, []):
            if found == version:
                return content
        raise refusal("NoSuchVersion")

    def get_paginator(self, operation: str) -> Any:
        return Versions(self) if operation == "list_object_versions" else super().get_paginator(operation)

    def copy_object(self, *, Key: str, CopySource: dict[str, str], **request: Any) -> Any:  # noqa: N803
        def copy() -> Any:
            content = self._find(CopySource["Key"], CopySource["VersionId"])
            checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
            condition = {name: request[name] for name in ("IfNoneMatch",) if name in request}
            return self._put(Key=Key, Body=content, ExpectedBucketOwner=OWNER, ChecksumSHA256=checksum, **condition)

        return self.calls("CopyObject", copy)

    def copy(self, CopySource: dict[str, str], Bucket: str, Key: str, **_: Any) -> None:  # noqa: ARG002, N803
        self.copy_object(Key=Key, CopySource=CopySource)

    def delete_objects(self, *, Delete: dict[str, Any], **_: Any) -> Any:  # noqa: N803
        def delete() -> Any:
            with self.cloud.lock:
                for doomed in Delete["Objects"]:
                    kept = [v for v in self.cloud.landed.get(doomed["Key"], []) if v[0] != doomed["VersionId"]]
                    self.cloud.landed[doomed["Key"]] = kept
            return {}

        return self.calls("DeleteObjects", delete)


@dataclass
class Body:
    content: bytes

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        yield from (self.content[start : start + size] for start in range(0, len(self.content), size))


@dataclass
class Versions:
    s3: LandingS3

    def paginate(self, *, Prefix: str, Delimiter: str = "", **_: Any) -> Iterator[Any]:  # noqa: N803
        def page() -> Any:
            with self.s3.cloud.lock:
                there = {key: versions for key, versions in sorted(self.s3.cloud.landed.items()) if versions}
            if Delimiter:
                return {"CommonPrefixes": [{"Prefix": "landing/d/"}]} if there else {}
            entries = [
                {"Key": key, "VersionId": v, "IsLatest": number == 0, "Size": len(content), "LastModified": moment}
                for key, versions in there.items()
                for number, (v, content, moment) in enumerate(versions)
                if key.startswith(Prefix)
            ]
            return {"Versions": entries}

        yield self.s3.calls("ListObjectVersions", page)


class LandingDynamoDb(DynamoDb):
    def put_item(self, **request: Any) -> Any:
        if "ConditionExpression" in request:
            return super().put_item(**request)
        return self.calls("PutItem", lambda: self._write(request["Item"], request["Item"]))

    def update_item(self, *, Key: dict[str, Any], **request: Any) -> Any:  # noqa: N803
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        changes = {name: values[number.replace("#", ":")] for number, name in names.items()}
        return self.calls("UpdateItem", lambda: self._write(Key, {**Key, **changes}))

    def _write(self, key: dict[str, Any], changes: dict[str, Any]) -> Any:
        place = (key["pk"]["S"], key["sk"]["S"])
        with self.cloud.lock:
            self.cloud.items[place] = {**self.cloud.items.get(place, {}), **changes}
        return {}


class Settings:
    """Parameter Store with one model, which retrains on commits."""

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_parameters_by_path"
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        settings = {"model": "m", "dataset": "d", "retraining": {"triggers": ["commit"]}}
        yield {"Parameters": [{"Name": "/mooring/t-dev-us-east-1/m/settings", "Value": json.dumps(settings)}]}


@dataclass
class Bus:
    cloud: LandingCloud
    calls: Callable[[str, Callable[[], Any]], Any]

    def put_events(self, *, Entries: list[dict[str, str]]) -> Any:  # noqa: N803
        def put() -> Any:
            self.cloud.requested += [json.loads(entry["Detail"])["trigger"]["id"] for entry in Entries]
            return {"FailedEntryCount": 0}

        return self.calls("PutEvents", put)


@dataclass
class Topic:
    cloud: LandingCloud
    calls: Callable[[str, Callable[[], Any]], Any]

    def publish(self, *, Message: str, **_: Any) -> Any:  # noqa: N803
        return self.calls("Publish", lambda: self.cloud.alerts.append(Message))
