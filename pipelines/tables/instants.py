"""Read times in text: ISO 8601 as ``2013-01-31``, ``2013-01-31T23:59`` or ``2013-01-31 23:59:59.5+01:00`` only.

pandas alone would also accept "now", and so read the clock.
"""

import re

import pandas as pd

PATTERN = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$"


def instant_of(text: str) -> pd.Timestamp | None:
    """Return the time in UTC, without a time zone; None if it is no time, or out of the range of nanoseconds.

    A text without an offset is in UTC.
    """
    if not re.fullmatch(PATTERN, text, flags=re.ASCII):
        return None
    found = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    return None if pd.isna(found) else found.tz_localize(None)
