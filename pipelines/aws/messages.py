"""Publishes events on the environment's bus and alerts to its topic."""

import json

from pipelines.aws.clients import Services
from pipelines.interface.codec import to_json
from pipelines.interface.events import SOURCE, Event

MAX_SUBJECT = 100
"""SNS's limit, in characters."""


class EventRefusedError(RuntimeError):
    """EventBridge did not accept an event."""


def publish(services: Services, event: Event) -> None:
    """Put one event on the environment's bus.

    Raises
    ------
    EventRefusedError
        EventBridge did not accept the event.
    """
    publish_to(services, services.environment.bus, event)


def publish_to(services: Services, bus: str, event: Event) -> None:
    """Put one event on a bus, which another account's is by its ARN; raise ``EventRefusedError`` as ``publish``."""
    entry = {
        "Source": SOURCE,
        "DetailType": event.DETAIL_TYPE,
        "Detail": json.dumps(to_json(event)),
        "EventBusName": bus,
    }
    answer = services.client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise EventRefusedError(
            f"EventBridge refused {event.DETAIL_TYPE!r} on bus {bus}: {answer['Entries']}; publish it again"
        )


def alert(services: Services, subject: str, message: str) -> None:
    """Publish a message to the environment's alert topic; SNS takes subjects in printable ASCII only."""
    plain = "".join(character if character.isascii() and character.isprintable() else " " for character in subject)
    services.client("sns").publish(
        TopicArn=services.environment.topic_arn, Subject=plain[:MAX_SUBJECT], Message=message
    )
