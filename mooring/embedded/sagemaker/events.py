"""Emit SageMaker's events on the account's default bus, in the form that AWS documents."""

import json
import logging
from datetime import datetime
from typing import Any

from ministack.services import eventbridge

logger = logging.getLogger("mooring.sagemaker")


def emit(detail_type: str, resource_arn: str, detail: dict[str, Any]) -> None:
    """Emit an ``aws.sagemaker`` event in the caller's account and region.

    EventBridge is best effort: an error is logged and does not fail the operation.
    """
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": detail_type,
        "Resources": [resource_arn],
        "Detail": json.dumps(detail, default=_milliseconds),
    }
    try:
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    except Exception:
        logger.exception("could not send %s of %s", detail_type, resource_arn)


def _milliseconds(value: Any) -> Any:
    # SageMaker's events have times in milliseconds since the epoch.
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else str(value)
