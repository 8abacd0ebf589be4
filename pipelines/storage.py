"""S3 as the pipelines use it: buckets whose owner is checked, JSON documents, digests of objects."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

BLOCK_BYTES = 1 << 20


class MissingObjectError(LookupError):
    """There is no such object."""


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

    def open(self, key: str) -> Any:
        """The object's body, to be read as a stream."""
        try:
            return self.client.get_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner)["Body"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                raise MissingObjectError(f"there is no {self.uri(key)}") from error
            raise

    def exists(self, key: str) -> bool:
        try:
            self.client.head_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
                return False
            raise
        return True

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin with ``prefix``, in order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, ExpectedBucketOwner=self.owner
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below ``prefix``, which ends in a slash."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, Delimiter="/", ExpectedBucketOwner=self.owner
        )
        found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        return [folder.removeprefix(prefix).rstrip("/") for folder in found]

    def read_json(self, key: str) -> Any:
        return json.loads(self.open(key).read())

    def write(self, key: str, body: Any, **arguments: str) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=body, ExpectedBucketOwner=self.owner, **arguments)

    def write_json(self, key: str, document: Any, **arguments: str) -> None:
        body = json.dumps(document, sort_keys=True).encode()
        self.write(key, body, ContentType="application/json", **arguments)

    def sha256_of(self, key: str) -> str:
        """The SHA-256 of the object's bytes in hexadecimal, computed here."""
        digest = hashlib.sha256()
        for block in self.open(key).iter_chunks(BLOCK_BYTES):
            digest.update(block)
        return digest.hexdigest()
