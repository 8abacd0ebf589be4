"""Conditional writes of S3: the condition keys by which a bucket's policy demands them, and copies that obey them.

The keys are those of AWS's user guide, "Enforce conditional writes on Amazon S3 buckets": ``s3:if-none-match`` and
``s3:if-match`` are there if the request carries the header; ``s3:ObjectCreationOperation`` is false for what only
prepares an object (CreateMultipartUpload, UploadPart, UploadPartCopy). MiniStack sets none of them, so a policy that
denies writes without ``If-None-Match`` would deny all writes, and its copies overwrite whatever the header says.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3

from mooring.embedded.repairs.patching import replace

HEADERS = ("if-none-match", "if-match")
PREPARING = ("uploads", "partNumber")
"""What the query names where an upload begins or takes a part."""


def apply() -> None:
    """Mend S3's conditional writes."""
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
        held = (s3._ensure_bucket(bucket) or {}).get("objects", {}).get(key)
        return s3._check_put_preconditions(headers, held) or original(bucket, key, headers)

    return copy_object
