"""How often a schedule of EventBridge Scheduler runs in a month of 730 hours."""

import re
from collections.abc import Sequence

HOURS = 730.0
"""Hours of an average month, as AWS's calculator counts them."""
DAYS = HOURS / 24
PER_MONTH = {"minute": HOURS * 60, "hour": HOURS, "day": DAYS}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def runs_per_month(expression: str) -> float:
    """Return the average number of runs of a ``rate(…)`` or ``cron(…)``; the year of a cron is not regarded.

    Examples
    --------
    >>> [round(runs_per_month(each), 1) for each in ("rate(1 hour)", "rate(15 minutes)", "cron(0 6 ? * MON *)")]
    [730.0, 2920.0, 4.3]
    """
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        return PER_MONTH[rate[2]] / int(rate[1])
    cron = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \S+\)", expression)
    if cron is None:
        raise ValueError(f"{expression!r} is no rate(…) and no cron(…) of six fields")
    minute, hour, day, month, weekday = cron.groups()
    times = _count(minute, range(60)) * _count(hour, range(24))
    if weekday not in ("?", "*"):
        days = _count(weekday, range(1, 8), WEEKDAYS) * DAYS / 7 if not re.search("[#L]", weekday) else 1.0
    else:
        days = DAYS if day in ("?", "*") else 1.0 if re.search("[LW]", day) else _count(day, range(1, 32))
    return times * days * _count(month, range(1, 13), MONTHS) / 12


def _count(field: str, values: Sequence[int], names: Sequence[str] = ()) -> int:
    """Return how many of the values a field of a cron admits; ``names`` are words for the values, in order."""
    found: set[int] = set()
    for part in field.split(","):
        bounds, _, step = part.partition("/")
        first, _, last = bounds.partition("-")
        begin = values[0] if first in ("*", "?") else _number(first, values, names)
        end = _number(last, values, names) if last else begin if not step and first not in ("*", "?") else values[-1]
        found.update(range(begin, end + 1, int(step or 1)))
    return len(found)


def _number(text: str, values: Sequence[int], names: Sequence[str]) -> int:
    return values[names.index(text.upper())] if text.upper() in names else int(text)
