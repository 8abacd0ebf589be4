"""Repair Lambda's event source mappings of SQS queues: batching window, large batches, the function's permissions.

MiniStack passes messages to the function at once, at most ten at a time, and checks no permission. On AWS a mapping
collects messages until its window is over or its batch is full, and receives them under the function's role.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc, sqs

from mooring.embedded import identity
from mooring.embedded.repairs.patching import replace

log = logging.getLogger("mooring.event_sources")

_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_AT_ONCE = 10
"""Largest number of messages that MiniStack receives at a time."""
_refused: set[str] = set()
"""Functions whose refusal is logged already: MiniStack polls the queue all the time."""


def apply() -> None:
    """Repair the mappings of queues."""
    replace(sqs, "_receive_messages_for_esm", _receive_batch)


def _receive_batch(original: Callable[[str, int], list[dict[str, Any]]]) -> Callable[[str, int], list[dict[str, Any]]]:
    def receive(queue_url: str, most: int) -> list[dict[str, Any]]:
        arn = sqs._get_q(queue_url)["attributes"]["QueueArn"]
        mapping = next(esm for esm in lambda_svc._esms.values() if esm["EventSourceArn"] == arn)
        window_s = int(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        if window_s and not _is_due(sqs._get_q(queue_url)["messages"], most, window_s):
            return []
        if not _may_receive(mapping["FunctionName"], arn):
            return []
        batch: list[dict[str, Any]] = []
        while len(batch) < most and (more := original(queue_url, min(_AT_ONCE, most - len(batch)))):
            batch += more
        return batch

    return receive


def _is_due(messages: list[dict[str, Any]], most: int, window_s: int) -> bool:
    now = time.time()
    waiting = [message["visible_at"] for message in list(messages) if message["visible_at"] <= now]
    return len(waiting) >= most or (bool(waiting) and now - min(waiting) >= window_s)


def _may_receive(function: str, arn: str) -> bool:
    role = lambda_svc._functions[function]["config"]["Role"]
    try:
        with identity.acting_as(role):
            for action in _ACTIONS:
                identity.authorize(action, arn)
    except identity.AccessDeniedError as error:
        if function not in _refused:
            log.warning("%s receives nothing from %s: %s", function, arn, error)
        _refused.add(function)
        return False
    _refused.discard(function)
    return True
