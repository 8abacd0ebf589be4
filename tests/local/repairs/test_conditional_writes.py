"""A bucket whose policy requires conditional writes, as AWS documents it: no object is overwritten."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import REGION, EmbeddedAws

DENIED, EXISTS = ("AccessDenied", "403"), ("PreconditionFailed", "412")


@dataclass(frozen=True, kw_only=True)
class GuardedBucket:
    """Bucket with such a policy; ``s3`` acts as a role that may put and read its objects, but not delete them."""

    s3: Any
    name: str

    def put(self, **more: Any) -> Any:
        return self.s3.put_object(Bucket=self.name, Key="k", Body=b"new", **more)

    def copy(self, **more: Any) -> Any:
        return self.s3.copy_object(Bucket=self.name, Key="k", CopySource=f"{self.name}/source", **more)

    def upload(self, **more: Any) -> Any:
        """Upload in one part; the conditions belong to the completion, as on AWS."""
        where = {"Bucket": self.name, "Key": "k"}
        begun = self.s3.create_multipart_upload(**where)["UploadId"]
        etag = self.s3.upload_part(**where, UploadId=begun, PartNumber=1, Body=b"new")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        return self.s3.complete_multipart_upload(**where, UploadId=begun, MultipartUpload=parts, **more)

    def read(self) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.name, Key="k")["Body"].read())


@pytest.fixture
def guarded(embedded_aws: EmbeddedAws) -> GuardedBucket:
    name, root = f"b{uuid4().hex[:12]}", embedded_aws.client("s3")
    root.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    root.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    root.put_object(Bucket=name, Key="source", Body=b"new")
    require_condition = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    }
    root.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [require_condition]}))
    own = {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    return GuardedBucket(s3=embedded_aws.client("s3", role=embedded_aws.create_role(f"r{name}", [own])), name=name)


WRITES: tuple[Callable[..., Any], ...] = (GuardedBucket.put, GuardedBucket.copy, GuardedBucket.upload)


@pytest.mark.parametrize("write", WRITES)
def test_write_without_the_condition_is_denied(guarded: GuardedBucket, write: Callable[..., Any]) -> None:
    with pytest.raises(ClientError) as error:
        write(guarded)
    assert error.value.response["Error"]["Code"] in DENIED


@pytest.mark.parametrize("write", WRITES)
def test_write_with_the_condition_creates_once(guarded: GuardedBucket, write: Callable[..., Any]) -> None:
    write(guarded, IfNoneMatch="*")
    assert guarded.read() == b"new"
    with pytest.raises(ClientError) as error:
        write(guarded, IfNoneMatch="*")
    assert error.value.response["Error"]["Code"] in EXISTS


def test_role_without_permission_deletes_nothing(guarded: GuardedBucket) -> None:
    version = guarded.put(IfNoneMatch="*")["VersionId"]
    for chosen in ({}, {"VersionId": version}):
        with pytest.raises(ClientError) as error:
            guarded.s3.delete_object(Bucket=guarded.name, Key="k", **chosen)
        assert error.value.response["Error"]["Code"] in DENIED
