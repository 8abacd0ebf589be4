"""How a lineage writes figures and texts."""

from typing import Any

JOINT = " · "


def printable(text: str) -> str:
    """What people wrote, without what would steer a terminal or break a picture."""
    return "".join(character if character.isprintable() else "�" for character in text)


def joined(*parts: Any, separator: str = JOINT) -> str:
    return separator.join(str(part) for part in parts if part)


def rows(count: Any) -> str:
    return counted(count, "row") if isinstance(count, int) else ""


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:,.1f} KB"


def quoted(text: Any) -> str:
    return f"“{text}”" if text else ""


def seconds(seconds: Any) -> str:
    if not isinstance(seconds, int):
        return ""
    if seconds < 7200:
        return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    return f"{seconds // 3600} h"


def number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "unknown"


def signed(value: Any) -> str:
    return f"{value:+.4f}" if isinstance(value, int | float) else "unknown"
