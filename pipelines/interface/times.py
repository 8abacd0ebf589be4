"""Times and the ids made of them, as the ledger writes both."""

import hashlib
from datetime import UTC, datetime


def parse_time(text: str) -> datetime:
    """Return the time of an ISO 8601 text with an offset, as AWS writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(text: str) -> str:
    """Return 12 hexadecimal digits of a hash of ``text``, for a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def sortable_id(moment: datetime, origin: str) -> str:
    """Return an id that sorts by time and is unique to ``origin``: ``yyyymmddThhmmssZ-<hash>``."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest(origin)}"
