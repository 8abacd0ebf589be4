"""S3 and DynamoDB in memory, as far as commits use them, with a hook around every call.

S3 keeps versions, verifies SHA-256, and obeys ``If-None-Match`` and the expected owner; DynamoDB obeys conditions. Each
writer gets its own clients, so that a test can stop one of them at any call, or choose the next call.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from typing import Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from pipelines.aws.ledger import Ledger
from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.commits import Dataset

OWNER = "123456789012"
PAGE = 3
"""Keys on a page: few, so that a listing has several pages."""


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Fake")


@dataclass
class Cloud:
    """State of both services. ``objects`` are each key's versions, oldest first, as (bytes, verified SHA-256)."""

    objects: dict[str, list[tuple[bytes, str | None]]] = field(default_factory=dict)
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def dataset(self, name: str = "d", hook: "Hook | None" = None, workers: int = 1) -> Dataset:
        calls = Calls(hook or (lambda _: None))
        return Dataset(
            name=name,
            bucket=Bucket(client=S3(self, calls), name="data", owner=OWNER),
            ledger=Ledger(client=DynamoDb(self, calls), table="ledger"),
            workers=workers,
        )


Hook = Callable[[str], None]
"""Function called before every call with "before <operation>", and after its effect with "after <operation>"."""


@dataclass
class Calls:
    hook: Hook

    def __call__(self, operation: str, act: Callable[[], Any]) -> Any:
        self.hook(f"before {operation}")
        answer = act()
        self.hook(f"after {operation}")
        return answer


@dataclass
class S3:
    cloud: Cloud
    calls: Calls

    def put_object(self, **request: Any) -> Any:
        return self.calls("PutObject", lambda: self._put(**request))

    def _put(self, Key: str, Body: Any, ExpectedBucketOwner: str, **request: Any) -> Any:  # noqa: N803
        content = Body if isinstance(Body, bytes) else Body.read()
        _check_owner(ExpectedBucketOwner)
        digest = hashlib.sha256(content).digest()
        checksum = request.get("ChecksumSHA256")
        if checksum and base64.b64decode(checksum) != digest:
            raise refusal("BadDigest")
        with self.cloud.lock:
            versions = self.cloud.objects.setdefault(Key, [])
            if request.get("IfNoneMatch") == "*" and versions:
                raise refusal("PreconditionFailed")
            versions.append((content, checksum))
            return {"VersionId": str(len(versions) - 1)}

    def head_object(self, **request: Any) -> Any:
        return self.calls("HeadObject", lambda: self._head(**request))

    def _head(self, Key: str, ExpectedBucketOwner: str, **_: Any) -> Any:  # noqa: N803
        _check_owner(ExpectedBucketOwner)
        versions = self.cloud.objects.get(Key)
        if not versions:
            raise refusal("404")
        content, checksum = versions[-1]
        known = {"ChecksumSHA256": checksum} if checksum else {}
        return {"ContentLength": len(content), "VersionId": str(len(versions) - 1), "ETag": '"e"', **known}

    def get_object(self, **request: Any) -> Any:
        return self.calls("GetObject", lambda: self._get(**request))

    def _get(self, Key: str, ExpectedBucketOwner: str, VersionId: str = "-1", **_: Any) -> Any:  # noqa: N803
        _check_owner(ExpectedBucketOwner)
        versions = self.cloud.objects.get(Key)
        if not versions:
            raise refusal("NoSuchKey")
        content = versions[int(VersionId)][0]
        return {"Body": StreamingBody(io.BytesIO(content), len(content))}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Prefix: str, ExpectedBucketOwner: str, **_: Any) -> Iterator[Any]:  # noqa: N803
        _check_owner(ExpectedBucketOwner)
        after = ""
        while True:
            page = self.calls("ListObjectsV2", partial(self._page, Prefix, after))
            yield {"Contents": [{"Key": key} for key in page]} if page else {}
            if len(page) < PAGE:
                return
            after = page[-1]

    def _page(self, prefix: str, after: str) -> list[str]:
        with self.cloud.lock:
            return sorted(key for key in self.cloud.objects if key.startswith(prefix) and key > after)[:PAGE]


def _check_owner(expected: str) -> None:
    if expected != OWNER:
        raise refusal("AccessDenied")


@dataclass
class DynamoDb:
    cloud: Cloud
    calls: Calls

    def get_item(self, **request: Any) -> Any:
        return self.calls("GetItem", lambda: self._get(**request))

    def _get(self, Key: dict[str, Any], **_: Any) -> Any:  # noqa: N803
        item = self.cloud.items.get((Key["pk"]["S"], Key["sk"]["S"]))
        return {"Item": dict(item)} if item else {}

    def put_item(self, **request: Any) -> Any:
        return self.calls("PutItem", lambda: self._put(**request))

    def _put(self, Item: dict[str, Any], ConditionExpression: str, **request: Any) -> Any:  # noqa: N803
        key = (Item["pk"]["S"], Item["sk"]["S"])
        with self.cloud.lock:
            there = self.cloud.items.get(key, {})
            if ConditionExpression == "attribute_not_exists(pk)":
                holds = not there
            else:
                names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
                equal = [term.split(" = ") for term in ConditionExpression.split(" AND ")]
                holds = all(there.get(names[name]) == values[value] for name, value in equal)
            if not holds:
                raise refusal("ConditionalCheckFailedException")
            self.cloud.items[key] = dict(Item)
        return {}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "query"
        return self

    def paginate(self, *, ExpressionAttributeValues: dict[str, Any], **_: Any) -> Iterator[Any]:  # noqa: N803
        pk, prefix = (ExpressionAttributeValues[name]["S"] for name in (":pk", ":sk"))

        def page() -> list[Any]:
            with self.cloud.lock:
                return [dict(i) for (p, s), i in sorted(self.cloud.items.items()) if p == pk and s.startswith(prefix)]

        yield {"Items": self.calls("Query", page)}
