"""Moments and the ids made of them, as the ledger writes both."""

import hashlib
from datetime import UTC, datetime


def parse_moment(text: str) -> datetime:
    """An ISO 8601 moment with its offset, as AWS writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(text: str) -> str:
    """12 hexadecimal digits that stand for ``text`` in a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def sortable_id(moment: datetime, origin: str) -> str:
    """An id that sorts by time and is unique to ``origin``: ``yyyymmddThhmmssZ-<hash>``."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest(origin)}"
