"""Emit SageMaker's events on the account's default bus, in the form that AWS documents."""

import json
from datetime import datetime
from typing import Any

from mooring.embedded import events


def emit(detail_type: str, resource_arn: str, detail: dict[str, Any]) -> None:
    """Emit an ``aws.sagemaker`` event in the caller's account and region."""
    events.emit("aws.sagemaker", detail_type, resource_arn, json.dumps(detail, default=_milliseconds))


def _milliseconds(value: Any) -> Any:
    # SageMaker's events have times in milliseconds since the epoch.
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else str(value)
