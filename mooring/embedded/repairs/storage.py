"""Repair S3: expected bucket owners, policies that name foreign roles, the managed KMS key, checksums of copies."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import s3

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_HEADERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")


def apply() -> None:
    """Repair S3."""
    replace(s3, "handle_request", _check_owner)
    replace(s3, "handle_request", _check_batch_delete)
    replace(s3, "_resolve_sse_write_headers", _name_managed_key)
    replace(s3, "_copy_object", _hash_copy)
    replace(s3, "_foreign_bucket_allows", _admit_roles)
    for name in ("_copy_object", "_upload_part_copy"):
        replace(s3, name, _from_foreign_buckets)


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


def _admit_roles(original: Callable[..., bool]) -> Callable[..., bool]:
    """Evaluate a bucket's policy for the caller itself; MiniStack evaluates it for the root of the caller's account.

    IAM has checked the caller's own policies before. If the bucket has a policy, its ACLs admit nobody.
    """

    def foreign_bucket_allows(
        owner: str,
        bucket: str,
        key: str,
        method: str,
        query: dict[str, Any],
        caller: str,
        headers: dict[str, str] | None = None,
    ) -> bool:
        policy = s3._bucket_policies.get_scoped(owner, None, bucket)
        if not caller or not policy:
            return bool(original(owner, bucket, key, method, query, caller, headers))
        if s3._public_access_blocked(owner, bucket, "RestrictPublicBuckets") and s3._policy_is_public(policy):
            return False
        if method == "POST" and not key and "delete" in query:
            return True  # _check_batch_delete has checked each of the objects
        path = f"/{bucket}/{key}" if key else f"/{bucket}"
        action = f"s3:{iam_actions._s3_action(method, path, query)}"
        with request_scope(owner, get_region()):
            keys = iam_actions.s3_service_context(action, query, path, headers or {})
        return identity.decision_of(policy, action, f"arn:aws:s3:::{path[1:]}", context=keys) == "Allow"

    return foreign_bucket_allows


def _check_batch_delete(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Refuse DeleteObjects on a foreign bucket whose policy does not admit the caller to delete each of the objects.

    MiniStack evaluates the policy for the bucket alone. On AWS the other objects are deleted; here none is.
    """

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], *rest: Any, **more: Any
    ) -> Any:
        bucket, key = s3._parse_bucket_key(path, headers)
        owner, caller = s3._bucket_owner_account(bucket) if bucket else None, get_account_id()
        if method == "POST" and not key and "delete" in query and owner not in (None, caller):
            for arn, version in iam_actions._s3_batch_delete_targets(bucket, body):
                name = arn.partition(f":::{bucket}/")[2]
                versioned = {"versionId": [version]} if version else {}
                if not s3._foreign_bucket_allows(owner, bucket, name, "DELETE", versioned, caller):
                    return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{name}")
        return await original(method, path, headers, body, query, *rest, **more)

    return handle_request


def _from_foreign_buckets(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let a copy read an object of another account's bucket; MiniStack looks for the bucket in the caller's account.

    The copy does not wait for anything, so no other request sees the bucket in this account.
    """

    def copy(*arguments: Any) -> Any:
        headers = next(each for each in arguments if isinstance(each, dict) and "x-amz-copy-source" in each)
        bucket, _, key = unquote(headers["x-amz-copy-source"].partition("?")[0]).lstrip("/").partition("/")
        owner = s3._bucket_owner_account(bucket)
        if owner in (None, get_account_id()):
            return original(*arguments)
        s3._buckets[bucket] = s3._buckets.get_scoped(owner, None, bucket)
        if versions := s3._object_versions.get_scoped(owner, None, (bucket, key)):
            s3._object_versions[bucket, key] = versions
        try:
            return original(*arguments)
        finally:
            s3._buckets.pop(bucket, None)
            s3._object_versions.pop((bucket, key), None)

    return copy
