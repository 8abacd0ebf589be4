"""Features of S3 and DynamoDB that commits and the ledger need: owners, checksums, conditional writes."""

import base64
import hashlib
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws


@pytest.fixture
def bucket(embedded_aws: EmbeddedAws) -> str:
    name = f"b{uuid4().hex[:12]}"
    embedded_aws.client("s3").create_bucket(
        Bucket=name,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    return name


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_bucket_of_another_owner_is_refused(embedded_aws: EmbeddedAws, bucket: str) -> None:
    s3 = embedded_aws.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ExpectedBucketOwner=ACCOUNT)
    for call in (s3.get_object, s3.head_object, s3.delete_object):
        with pytest.raises(ClientError) as error:
            call(Bucket=bucket, Key="k", ExpectedBucketOwner="999999999999")
        assert _code(error) in ("AccessDenied", "403")


def test_wrong_checksum_is_refused(embedded_aws: EmbeddedAws, bucket: str) -> None:
    s3 = embedded_aws.client("s3")

    def put(of: bytes) -> None:
        checksum = base64.b64encode(hashlib.sha256(of).digest()).decode()
        s3.put_object(Bucket=bucket, Key="k", Body=b"right", ChecksumSHA256=checksum)

    put(b"right")
    with pytest.raises(ClientError) as error:
        put(b"wrong")
    assert _code(error) in ("BadDigest", "XAmzContentChecksumMismatch", "InvalidRequest")


def test_aws_managed_key_is_the_default(embedded_aws: EmbeddedAws, bucket: str) -> None:
    s3 = embedded_aws.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    found = s3.get_object(Bucket=bucket, Key="k")
    assert (found["ServerSideEncryption"], found["Body"].read()) == ("aws:kms", b"x")


def test_if_none_match_writes_an_object_once(embedded_aws: EmbeddedAws, bucket: str) -> None:
    s3 = embedded_aws.client("s3")
    s3.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")
    assert _code(error) == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="once")["Body"].read() == b"1"


def test_table_enforces_conditions_and_transactions(embedded_aws: EmbeddedAws) -> None:
    dynamodb = embedded_aws.client("dynamodb")
    table = f"t{uuid4().hex[:10]}"
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )

    def put(pk: str) -> dict[str, Any]:
        item = {"TableName": table, "Item": {"pk": {"S": pk}}}
        return {"Put": {**item, "ConditionExpression": "attribute_not_exists(pk)"}}

    dynamodb.put_item(**put("a")["Put"])
    with pytest.raises(ClientError) as error:
        dynamodb.put_item(**put("a")["Put"])
    assert _code(error) == "ConditionalCheckFailedException"
    with pytest.raises(ClientError) as error:
        dynamodb.transact_write_items(TransactItems=[put("b"), put("a")])
    assert _code(error) == "TransactionCanceledException"
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"pk": {"S": "b"}})


def test_copy_has_the_checksum_that_it_requests(embedded_aws: EmbeddedAws, bucket: str) -> None:
    s3 = embedded_aws.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"}, ChecksumAlgorithm="SHA256")
    found = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert found["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"content").digest()).decode()
