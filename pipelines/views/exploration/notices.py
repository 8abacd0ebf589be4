"""Finds what one should know about a dataset before modelling: rules over its profile, each with its figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.pages.text import shorten
from pipelines.views.exploration.distribution import Numbers
from pipelines.views.exploration.kinds import EMPTY, NUMERIC
from pipelines.views.exploration.profiling import ColumnProfile, DatasetProfile
from pipelines.views.exploration.wording import figure

MISSING_SHARE = 0.05
CONSTANT_SHARE = 0.99
ZERO_SHARE = 0.9
DISTINCT_SHARE = 0.99
MIN_ROWS = 50
"""Least number of values with which a column can be called an id, or a value a marker."""
TAIL_RANGES = 20.0
"""Interquartile ranges beyond the quartiles at which a tail is heavy."""
SENTINELS = (-9999.0, -999.0, -99.0, -1.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0, 999.9, 9999.9, -999.9)
SENTINEL_GAP = 0.5
"""Least distance of a sentinel to the nearest other value, as a share of the others' whole range."""
SENTINEL_DAYS = ("1900-01-01", "1970-01-01", "9999-12-31", "2099-12-31")
NOTHINGS = ("na", "n/a", "nan", "null", "none", "nil", "?", "-", "--", ".", "unknown", "missing", "undefined")
SAME = 0.99
"""Least absolute rank correlation of columns of which one is redundant."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A finding. ``column`` is None if it is about the whole dataset; ``kind`` names the rule."""

    column: str | None
    kind: str
    text: str


def find_notices(profile: DatasetProfile) -> list[Notice]:
    """Return all notices: those of the whole dataset first, then column by column."""
    found = list(_of_dataset(profile))
    for column in profile.columns:
        found += [Notice(column=column.name, kind=kind, text=text) for kind, text in _of_column(column, profile)]
    return found


def _of_dataset(profile: DatasetProfile) -> Iterator[Notice]:
    for path, why in profile.unread.items():
        yield Notice(column=None, kind="unreadable", text=f"{path} is left out: {why}")
    if profile.duplicates:
        share = profile.duplicates / profile.rows
        text = f"{profile.duplicates:,} rows ({share:.1%}) are the same as another"
        yield Notice(column=None, kind="duplicates", text=text)
    names = profile.correlations.columns
    for row, one in enumerate(names):
        for place, other in enumerate(names[:row]):
            value = profile.correlations.values[row][place]
            if value is not None and abs(value) >= SAME:
                text = f"{other} and {one} say nearly the same (rank correlation {value:.3f})"
                yield Notice(column=None, kind="redundant", text=text)


def _of_column(column: ColumnProfile, profile: DatasetProfile) -> Iterator[tuple[str, str]]:
    if column.kind == EMPTY:
        yield "empty", "has no value at all"
        return
    if column.absent:
        yield "absent", f"is not in every file: {column.absent:,} rows come without it"
    share = (column.missing - column.absent) / max(profile.rows - column.absent, 1)
    if share >= MISSING_SHARE:
        yield "missing", f"is missing in {share:.0%} of rows"
    yield from _of_values(column)
    markers = list(_markers(column))
    for text in markers:
        yield "suspicious", text
    if column.numbers and column.kind in NUMERIC:
        # A marker for missing values is far from the others, but no tail.
        yield from (
            found for found in _of_numbers(column.numbers, column.present) if not (markers and found[0] == "heavy tail")
        )


def _of_values(column: ColumnProfile) -> Iterator[tuple[str, str]]:
    value, count = column.top[0]
    if column.distinct == 1:
        yield "constant", f"has one value only: {_quote(value)}"
    elif count >= CONSTANT_SHARE * column.present:
        yield "nearly constant", f"is {_quote(value)} in {count / column.present:.1%} of rows"
    elif column.kind in ("integer", "text") and column.present >= MIN_ROWS:
        share = column.distinct / column.present
        if share >= DISTINCT_SHARE:
            yield "id", f"is different in nearly every row ({share:.1%}): an id, not a feature"
    if column.stray_count:
        examples = ", ".join(_quote(text) for text, _ in column.strays)
        yield "mixed", f"has {column.stray_count:,} values that are not of kind {column.kind}: {examples}"
    if column.variants:
        examples = " and ".join(_quote(text) for text in column.variants[0])
        yield "spelling", f"has values that differ in case or spaces only: {examples}"


def _of_numbers(numbers: Numbers, present: int) -> Iterator[tuple[str, str]]:
    if numbers.infinite:
        yield "infinite", f"is infinite in {numbers.infinite:,} rows"
    if ZERO_SHARE <= numbers.zeros / present < CONSTANT_SHARE:
        yield "zeros", f"is zero in {numbers.zeros / present:.0%} of rows"
    spread = numbers.interquartile_range
    above, below = numbers.maximum - numbers.quantiles[4], numbers.quantiles[2] - numbers.minimum
    farthest, end = max((above, numbers.maximum), (below, numbers.minimum))
    if spread and farthest > TAIL_RANGES * spread:
        text = f"reaches to {figure(end)}, {farthest / spread:,.0f} interquartile ranges beyond the quartiles"
        yield "heavy tail", text


def _markers(column: ColumnProfile) -> Iterator[str]:
    """Yield the values that look like markers for missing values."""
    numbers = column.numbers
    if numbers and column.kind in NUMERIC and column.present >= MIN_ROWS and column.distinct > 2:
        span = numbers.maximum - numbers.minimum
        for end, nearest in (numbers.lowest, numbers.highest[::-1]):
            gap = abs(end - nearest)
            lonely = gap > SENTINEL_GAP * (span - gap) or (end == -1 and nearest >= 0)
            if end in SENTINELS and lonely:
                yield f"has {figure(end)} at its end, far from all others ({figure(nearest)}): a marker for missing?"
    if numbers and column.kind == "time":
        for stamp in (numbers.minimum, numbers.maximum):
            day = f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d}"
            if day in SENTINEL_DAYS:
                yield f"has the day {day}: a marker for missing?"
    if column.kind == "text":
        for text, count in column.top:
            if text.strip().casefold() in NOTHINGS:
                yield f"has {_quote(text)} in {count:,} rows: a marker for missing?"


def _quote(text: str) -> str:
    return repr(shorten(text, 40))
