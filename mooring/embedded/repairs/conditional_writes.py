"""Repair S3's conditional writes: the condition keys with which a bucket policy demands them, and copies.

The keys are those of AWS's user guide, "Enforce conditional writes on Amazon S3 buckets". ``s3:if-none-match`` and
``s3:if-match`` are present if the request has the header. ``s3:ObjectCreationOperation`` is false for operations that
only prepare an object (CreateMultipartUpload, UploadPart, UploadPartCopy). MiniStack sets none of the three, so a
policy that denies writes without ``If-None-Match`` would deny all writes. It also ignores the headers of CopyObject
and overwrites the target.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3

from mooring.embedded.repairs.patching import replace

HEADERS = ("if-none-match", "if-match")
PREPARING = ("uploads", "partNumber")
"""Query parameters of the operations that only prepare an object."""


def apply() -> None:
    """Repair S3's conditional writes."""
    replace(iam_actions, "s3_service_context", _add_conditions)
    replace(s3, "_copy_object", _check_copy)


def _add_conditions(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def s3_service_context(
        iam_action: str,
        query_params: Mapping[str, Any] | None,
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        context = original(iam_action, query_params, path, headers)
        if iam_action != "s3:PutObject":
            return context
        creates = not any(name in (query_params or {}) for name in PREPARING)
        given = {f"s3:{name}": value for name in HEADERS if (value := (headers or {}).get(name))}
        return {**context, **given, "s3:ObjectCreationOperation": str(creates).lower()}

    return s3_service_context


def _check_copy(original: Callable[..., Any]) -> Callable[..., Any]:
    def copy_object(bucket: str, key: str, headers: dict[str, str]) -> Any:
        existing = (s3._ensure_bucket(bucket) or {}).get("objects", {}).get(key)
        return s3._check_put_preconditions(headers, existing) or original(bucket, key, headers)

    return copy_object
