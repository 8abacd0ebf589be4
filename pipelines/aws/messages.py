"""What the environment tells the world: events on its bus, alerts to its topic."""

import json
from typing import Any

from pipelines.aws.clients import Services
from pipelines.interface import events

MAX_SUBJECT = 100
"""SNS's limit, in characters."""


class EventRefusedError(RuntimeError):
    """EventBridge did not take an event."""


def emit(services: Services, detail_type: str, detail: dict[str, Any]) -> None:
    """Put one event on the environment's bus; raises ``EventRefusedError`` if it was not taken."""
    entry = {
        "Source": events.SOURCE,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "EventBusName": services.environment.bus,
    }
    answer = services.client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise EventRefusedError(f"{detail_type!r} on {services.environment.bus}: {answer['Entries']}")


def alert(services: Services, subject: str, message: str) -> None:
    """Publish to the environment's alert topic."""
    plain = "".join(character if character.isascii() and character.isprintable() else " " for character in subject)
    services.client("sns").publish(
        TopicArn=services.environment.topic_arn, Subject=plain[:MAX_SUBJECT], Message=message
    )
