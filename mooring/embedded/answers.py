"""Answers of services with AWS's JSON protocol, version 1.1."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mooring.embedded.errors import ServiceError

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


def answer(call: Callable[[str, dict[str, Any]], dict[str, Any]], operation: str, body: bytes) -> Answer:
    """Return the answer of ``call(operation, request)``, or the error that it raises."""
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    try:
        found = call(operation, json.loads(body or b"{}"))
    except ServiceError as error:
        return error.status, headers, json.dumps({"__type": error.code, "message": error.message}).encode()
    return 200, headers, encode(found)


def encode(found: dict[str, Any]) -> bytes:
    """Return the answer as JSON: times are seconds since the epoch."""
    return json.dumps(found, default=_seconds).encode()


def _seconds(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} is not JSON")
