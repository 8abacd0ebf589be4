"""Formats figures and texts for a lineage."""

JOINT = " · "


def printable(text: str) -> str:
    """Return a text without the characters that would steer a terminal or break a picture."""
    return "".join(character if character.isprintable() else "�" for character in text)


def joined(*parts: str | None, separator: str = JOINT) -> str:
    """Return the parts as one text, without those that are empty."""
    return separator.join(part for part in parts if part)


def rows(count: int | None) -> str:
    return "" if count is None else counted(count, "row")


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:,.1f} KB"


def quoted(text: str | None) -> str:
    return f"“{text}”" if text else ""


def duration(seconds: int | None) -> str:
    if seconds is None:
        return ""
    if seconds < 7200:
        return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    return f"{seconds // 3600} h"


def number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.4f}"
