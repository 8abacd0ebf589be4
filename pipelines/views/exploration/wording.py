"""Values and numbers as the page of a profile shows them: short, and harmless whatever they are."""

from datetime import UTC, datetime
from html import escape

MAX_LENGTH = 60
FORMULA_STARTS = ("=", "+", "-", "@")
DAY_S = 86400


def safe(value: str, max_length: int = MAX_LENGTH) -> str:
    """A value of the dataset as HTML text, cut off after ``max_length`` characters.

    Markup is escaped; what a spreadsheet would take for a formula gets an apostrophe before it, because tables are
    copied from pages; and what cannot be seen (spaces at the ends, what turns the writing's direction) is spelled out.
    """
    short = value if len(value) <= max_length else value[: max_length - 1] + "…"
    visible = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in short)
    inner = visible.strip(" ")
    start = visible.find(inner) if inner else len(visible)
    visible = "␣" * start + inner + "␣" * (len(visible) - start - len(inner))
    if visible.startswith(FORMULA_STARTS) and not _is_number(visible):
        visible = f"'{visible}"
    return escape(visible)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def figure(value: float) -> str:
    """A number with four digits that count, or all of a whole one."""
    if abs(value) >= 1e15:
        return f"{value:.4g}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def moment(seconds: float, span_s: float) -> str:
    """A time of seconds since 1970 in UTC, as fine as the span of its column needs."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return figure(seconds)
    return f"{time:%Y-%m-%d %H:%M}" if span_s < 3 * DAY_S else f"{time:%Y-%m-%d}"


def share(part: float) -> str:
    """A share in per cent; what is not nothing never looks like nothing, what is not all never like all."""
    if 0 < part < 0.001:
        return "&lt;0.1%"
    if 0.999 < part < 1:
        return "&gt;99.9%"
    return f"{part:.1%}" if part not in (0, 1) else f"{part:.0%}"


def size(size_bytes: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.3g} {unit}"
    return f"{size_bytes} B"
