"""S3: a request that names the bucket's owner is refused when the bucket is somebody else's."""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import s3

from mooring.local.repairs.patching import replace

_HEADERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")


def apply() -> None:
    """Mend S3."""
    replace(s3, "handle_request", _check_owner)


def _check_owner(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """AWS answers 403 when ``ExpectedBucketOwner`` is not the owner; MiniStack ignores it."""

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any, **more: Any) -> Any:
        bucket, _key = s3._parse_bucket_key(path, headers)
        source = headers.get("x-amz-copy-source", "").lstrip("/").partition("/")[0]
        for name, owned in zip(_HEADERS, (bucket, source), strict=True):
            expected = headers.get(name)
            if expected and owned and s3._bucket_owner_account(owned) not in (None, expected):
                return s3._error("AccessDenied", "Access Denied", 403, path)
        return await original(method, path, headers, *rest, **more)

    return handle_request
