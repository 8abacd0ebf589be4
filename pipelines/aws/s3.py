"""Reads and writes S3: buckets whose owner is checked, JSON documents, digests of objects."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import IO, Any, TypeVar

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from pipelines.aws.client import Answer, Client, code_of
from pipelines.interface.codec import read_json, to_json

R = TypeVar("R")

BLOCK_BYTES = 1 << 20
HASHED_ONCE: dict[str, Any] = {
    "s3": {"payload_signing_enabled": False},
    "response_checksum_validation": "when_required",
}
"""Options of a client's ``Config`` without which the SDK hashes every byte a second time.

Writes carry the SHA-256 that S3 verifies, over TLS; the readers hash what they read.
"""

_MISSING = ("NoSuchKey", "NoSuchVersion", "404", "NotFound")
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class MissingObjectError(LookupError):
    """The object does not exist."""


class ExistsError(RuntimeError):
    """The object exists already; nothing was written."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """An object's properties; ``sha256`` (hexadecimal) is None unless S3 verified it when the object was written."""

    version: str | None
    size_bytes: int
    etag: str
    sha256: str | None


def checksum(sha256: str) -> str:
    """Return a hexadecimal SHA-256 as S3's headers have it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object as a listing shows it. Its ``etag`` changes with every write."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket of account ``owner``; S3 refuses a bucket of this name that belongs to another account."""

    client: Client
    name: str
    owner: str

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def key_of(self, uri: str) -> str:
        """Return the key of an s3:// URI of this bucket; raise ``MissingObjectError`` for any other URI."""
        prefix = self.uri("")
        if not uri.startswith(prefix):
            raise MissingObjectError(f"{uri!r} is not below {prefix}")
        return uri.removeprefix(prefix)

    def open(self, key: str, version: str | None = None) -> StreamingBody:
        """Return the object's body as a stream; of its newest version unless ``version`` names another."""
        chosen = {"VersionId": version} if version else {}
        try:
            answer = self.client.get_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner, **chosen)
        except ClientError as error:
            if code_of(error) in _MISSING:
                raise MissingObjectError(f"there is no {self.uri(key)}") from error
            raise
        body: StreamingBody = answer["Body"]
        return body

    def find(self, key: str) -> StoredObject | None:
        """Return an object's properties without reading it; None if it does not exist."""
        try:
            answer = self.client.head_object(
                Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner, ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if code_of(error) in _MISSING:
                return None
            raise
        # The checksum of an upload in parts is made of the parts' checksums, not of the content.
        encoded = answer.get("ChecksumSHA256") if answer.get("ChecksumType") != "COMPOSITE" else None
        return StoredObject(
            version=_version(answer),
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"],
            sha256=base64.b64decode(encoded).hex() if encoded else None,
        )

    def keys(self, prefix: str) -> list[str]:
        """Return all keys that begin with ``prefix``, in order."""
        return [key for page in self.pages(prefix) for key in page]

    def pages(self, prefix: str) -> Iterator[list[str]]:
        """Yield the keys that begin with ``prefix``, in order, a thousand per request."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, ExpectedBucketOwner=self.owner
        )
        for page in pages:
            yield [entry["Key"] for entry in page.get("Contents", [])]

    def listing(self, prefix: str, *, after: str = "", before: str = "") -> list[ListedObject]:
        """Return all objects whose keys begin with ``prefix``, in order of their keys.

        Only keys after ``after`` are returned and, if it is given, only those before ``before``.
        """
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, StartAfter=after, ExpectedBucketOwner=self.owner
        )
        entries = (entry for page in pages for entry in page.get("Contents", []))
        return [
            ListedObject(key=entry["Key"], size_bytes=entry["Size"], etag=entry["ETag"])
            for entry in takewhile(lambda entry: not before or entry["Key"] < before, entries)
        ]

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly below ``prefix``, which ends in a slash."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, Delimiter="/", ExpectedBucketOwner=self.owner
        )
        found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        return [folder.removeprefix(prefix).rstrip("/") for folder in found]

    def read_json(self, key: str) -> Any:
        return json.loads(self.open(key).read())

    def read_record(self, kind: type[R], key: str) -> R:
        """Return the record that a JSON document holds; raise ``InvalidRecordError`` if it holds none."""
        return read_json(kind, self.open(key).read(), self.uri(key))

    def write_record(self, key: str, record: object, **arguments: str) -> None:
        self.write_json(key, to_json(record), **arguments)

    def exists(self, key: str) -> bool:
        return self.find(key) is not None

    def write(self, key: str, body: bytes | IO[bytes], **arguments: str) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=body, ExpectedBucketOwner=self.owner, **arguments)

    def write_once(self, key: str, body: bytes | IO[bytes], **arguments: str) -> str | None:
        """Write a new object; return its VersionId if the bucket is versioned.

        Raises
        ------
        ExistsError
            The object exists already, or another writer is just writing it.
        """
        try:
            answer = self.client.put_object(
                Bucket=self.name, Key=key, Body=body, ExpectedBucketOwner=self.owner, IfNoneMatch="*", **arguments
            )
        except ClientError as error:
            if code_of(error) in _EXISTS:
                raise ExistsError(f"{self.uri(key)} exists already") from error
            raise
        return _version(answer)

    def copy_once(self, source: str, version: str | None, key: str, **arguments: str) -> str | None:
        """Copy one version of an object to a new key, as ``write_once`` does; S3 computes the copy's SHA-256."""
        chosen = {"VersionId": version} if version else {}
        try:
            answer = self.client.copy_object(
                Bucket=self.name,
                Key=key,
                CopySource={"Bucket": self.name, "Key": source, **chosen},
                ChecksumAlgorithm="SHA256",
                ExpectedBucketOwner=self.owner,
                ExpectedSourceBucketOwner=self.owner,
                IfNoneMatch="*",
                **arguments,
            )
        except ClientError as error:
            if code_of(error) in _EXISTS:
                raise ExistsError(f"{self.uri(key)} exists already") from error
            raise
        return _version(answer)

    def copy(self, source: str, key: str) -> None:
        """Copy an object's newest version to ``key``, where it overwrites; S3 copies large ones in parts."""
        owner = {"ExpectedBucketOwner": self.owner}
        self.client.copy({"Bucket": self.name, "Key": source}, self.name, key, ExtraArgs=owner)

    def take(self, source: "Bucket", key: str, version: str | None) -> None:
        """Copy one version of another bucket's object to the same key, encrypted as this bucket's objects are.

        Nothing names the owners: the SDK would expect this bucket's owner of the source too. Read both buckets before.
        """
        chosen = {"VersionId": version} if version else {}
        self.client.copy({"Bucket": source.name, "Key": key, **chosen}, self.name, key, SourceClient=source.client)

    def write_json(self, key: str, document: object, **arguments: str) -> None:
        body = json.dumps(document, sort_keys=True).encode()
        self.write(key, body, ContentType="application/json", **arguments)

    def sha256_of(self, key: str, version: str | None = None) -> str:
        """Return the SHA-256 of the object's bytes in hexadecimal; it reads and hashes them."""
        digest = hashlib.sha256()
        for block in self.open(key, version).iter_chunks(BLOCK_BYTES):
            digest.update(block)
        return digest.hexdigest()


def _version(answer: Answer) -> str | None:
    """Return the VersionId; None if the bucket has no versions, where S3 answers none or "null"."""
    found = answer.get("VersionId")
    return found if found != "null" else None
