"""S3 as the pipelines use it: buckets whose owner is checked, JSON documents, digests of objects."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

BLOCK_BYTES = 1 << 20
HASHED_ONCE: dict[str, Any] = {
    "s3": {"payload_signing_enabled": False},
    "response_checksum_validation": "when_required",
}
"""Of a client's ``Config``: what is written goes through TLS with the SHA-256 that S3 verifies, and what is read is
hashed by who reads it. Without these the SDK hashes every byte a second time."""

_MISSING = ("NoSuchKey", "NoSuchVersion", "404", "NotFound")
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class MissingObjectError(LookupError):
    """There is no such object."""


class ExistsError(RuntimeError):
    """There is such an object already; nothing was written."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """What S3 says of an object: ``sha256`` (hexadecimal) only if S3 itself verified it when it was written."""

    version: str | None
    size_bytes: int
    etag: str
    sha256: str | None


def checksum(sha256: str) -> str:
    """A hexadecimal SHA-256 as S3's headers have it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object as a listing shows it. Its ``etag`` changes with every write."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket of account ``owner``; a bucket of the same name that another account holds is refused by S3."""

    client: Any
    name: str
    owner: str

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def key_of(self, uri: str) -> str:
        """The key of an s3:// URI of this bucket; raises ``MissingObjectError`` for any other URI."""
        prefix = self.uri("")
        if not uri.startswith(prefix):
            raise MissingObjectError(f"{uri!r} does not lie in {prefix}")
        return uri.removeprefix(prefix)

    def open(self, key: str, version: str | None = None) -> Any:
        """The object's body, to be read as a stream; its newest version unless another is named."""
        chosen = {"VersionId": version} if version else {}
        try:
            return self.client.get_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner, **chosen)["Body"]
        except ClientError as error:
            if _code(error) in _MISSING:
                raise MissingObjectError(f"there is no {self.uri(key)}") from error
            raise

    def find(self, key: str) -> StoredObject | None:
        """What S3 knows of an object without reading it, or None."""
        try:
            answer = self.client.head_object(
                Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner, ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        # The checksum of an upload in parts is one of checksums: not the content's.
        encoded = answer.get("ChecksumSHA256") if answer.get("ChecksumType") != "COMPOSITE" else None
        return StoredObject(
            version=_version(answer),
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"],
            sha256=base64.b64decode(encoded).hex() if encoded else None,
        )

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin with ``prefix``, in order."""
        return [key for page in self.pages(prefix) for key in page]

    def pages(self, prefix: str) -> Iterator[list[str]]:
        """The same a thousand at a time: each page is one request."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, ExpectedBucketOwner=self.owner
        )
        for page in pages:
            yield [entry["Key"] for entry in page.get("Contents", [])]

    def listing(self, prefix: str, *, after: str = "") -> list[ListedObject]:
        """All objects whose keys begin with ``prefix`` and come after ``after``, in order of their keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, StartAfter=after, ExpectedBucketOwner=self.owner
        )
        return [
            ListedObject(key=entry["Key"], size_bytes=entry["Size"], etag=entry["ETag"])
            for page in pages
            for entry in page.get("Contents", [])
        ]

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below ``prefix``, which ends in a slash."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, Delimiter="/", ExpectedBucketOwner=self.owner
        )
        found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        return [folder.removeprefix(prefix).rstrip("/") for folder in found]

    def read_json(self, key: str) -> Any:
        return json.loads(self.open(key).read())

    def exists(self, key: str) -> bool:
        return self.find(key) is not None

    def write(self, key: str, body: Any, **arguments: str) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=body, ExpectedBucketOwner=self.owner, **arguments)

    def write_once(self, key: str, body: Any, **arguments: str) -> str | None:
        """Write an object where there is none; gives its VersionId in a versioned bucket.

        Raises
        ------
        ExistsError
            There is one, or another writer is just writing it.
        """
        try:
            answer = self.client.put_object(
                Bucket=self.name, Key=key, Body=body, ExpectedBucketOwner=self.owner, IfNoneMatch="*", **arguments
            )
        except ClientError as error:
            if _code(error) in _EXISTS:
                raise ExistsError(f"there is {self.uri(key)} already") from error
            raise
        return _version(answer)

    def copy_once(self, source: str, version: str | None, key: str, **arguments: str) -> str | None:
        """Copy one version of an object of this bucket as ``write_once`` writes; S3 computes the copy's SHA-256."""
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
            if _code(error) in _EXISTS:
                raise ExistsError(f"there is {self.uri(key)} already") from error
            raise
        return _version(answer)

    def write_json(self, key: str, document: Any, **arguments: str) -> None:
        body = json.dumps(document, sort_keys=True).encode()
        self.write(key, body, ContentType="application/json", **arguments)

    def sha256_of(self, key: str) -> str:
        """The SHA-256 of the object's bytes in hexadecimal, computed here."""
        digest = hashlib.sha256()
        for block in self.open(key).iter_chunks(BLOCK_BYTES):
            digest.update(block)
        return digest.hexdigest()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))


def _version(answer: Mapping[str, Any]) -> str | None:
    """A bucket without versions answers no VersionId, or "null"."""
    found = answer.get("VersionId")
    return found if found != "null" else None
