"""Emit the events of a service on the account's default bus."""

import logging

from ministack.services import eventbridge

logger = logging.getLogger("mooring.events")


def emit(source: str, detail_type: str, resource_arn: str, detail: str) -> None:
    """Emit an event in the caller's account and region; ``detail`` is JSON.

    EventBridge is best effort: an error is logged and does not fail the operation.
    """
    entry = {"Source": source, "DetailType": detail_type, "Resources": [resource_arn], "Detail": detail}
    try:
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    except Exception:
        logger.exception("could not send %s of %s", detail_type, resource_arn)
