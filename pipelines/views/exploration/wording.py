"""Writes numbers, times, shares and sizes as a profile's page shows them: short."""

from datetime import UTC, datetime

DAY_S = 86400


def figure(value: float) -> str:
    """Return a number with four significant digits, or a whole number with all of its digits."""
    if abs(value) >= 1e15:
        return f"{value:.4g}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def moment(seconds: float, span_s: float) -> str:
    """Return a time of seconds since 1970 in UTC: a day, or a minute if the column's times span under three days."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return figure(seconds)
    return f"{time:%Y-%m-%d %H:%M}" if span_s < 3 * DAY_S else f"{time:%Y-%m-%d}"


def share(part: float) -> str:
    """Return a share in per cent. A share that is not quite 0 or 1 never looks like 0% or 100%."""
    if 0 < part < 0.001:
        return "<0.1%"
    if 0.999 < part < 1:
        return ">99.9%"
    return f"{part:.1%}" if part not in (0, 1) else f"{part:.0%}"


def size(size_bytes: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.3g} {unit}"
    return f"{size_bytes} B"
