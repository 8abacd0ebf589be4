"""Repair S3: expected bucket owners, the AWS managed KMS key, and checksums of copies."""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from mooring.embedded.repairs.patching import replace

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_HEADERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")


def apply() -> None:
    """Repair S3."""
    replace(s3, "handle_request", _check_owner)
    replace(s3, "_resolve_sse_write_headers", _name_managed_key)
    replace(s3, "_copy_object", _hash_copy)


def _check_owner(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Answer 403 if ``ExpectedBucketOwner`` is not the bucket's owner; MiniStack ignores the header."""

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any, **more: Any) -> Any:
        bucket, _key = s3._parse_bucket_key(path, headers)
        source = headers.get("x-amz-copy-source", "").lstrip("/").partition("/")[0]
        for name, owned in zip(_HEADERS, (bucket, source), strict=True):
            expected = headers.get(name)
            if expected and owned and s3._bucket_owner_account(owned) not in (None, expected):
                return s3._error("AccessDenied", "Access Denied", 403, path)
        return await original(method, path, headers, *rest, **more)

    return handle_request


def _name_managed_key(original: Callable[..., Any]) -> Callable[..., Any]:
    """Use the account's key ``aws/s3`` for ``aws:kms`` without a key.

    MiniStack refuses such a request. The CDK uploads its assets with such requests.
    """

    def resolve_sse_write_headers(headers: dict[str, str], bucket: str) -> Any:
        if headers.get("x-amz-server-side-encryption") == "aws:kms" and not headers.get(_KEY_HEADER):
            headers = {**headers, _KEY_HEADER: f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"}
        return original(headers, bucket)

    return resolve_sse_write_headers


def _hash_copy(original: Callable[..., Any]) -> Callable[..., Any]:
    """Compute the checksum that a copy requests.

    A copy requests it with ``x-amz-checksum-algorithm``; MiniStack reads only the header that writes have.
    """

    def copy_object(bucket: str, key: str, headers: dict[str, str]) -> Any:
        if algorithm := headers.get("x-amz-checksum-algorithm"):
            headers = {**headers, "x-amz-sdk-checksum-algorithm": algorithm}
        return original(bucket, key, headers)

    return copy_object
