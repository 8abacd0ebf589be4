"""The colours of all pages and pictures, named by what they stand for."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of one kind of screen, as ``#rrggbb``.

    ``soft`` is text of less weight, ``rule`` a line between things, ``paper`` the background. ``data`` is what was
    counted or measured, and a positive correlation; ``baseline`` is what data are compared with; ``contrast`` is the
    opposite of data: missing values, and a negative correlation. ``bad`` and ``warning`` are outcomes; ``warning_text``
    is a warning that can be read on ``paper``, where the amber of ``warning`` is too light.
    """

    ink: str
    soft: str
    rule: str
    paper: str
    data: str
    baseline: str
    contrast: str
    bad: str
    warning: str
    warning_text: str

    def to_css(self) -> str:
        """Return the colours as CSS variables: ``--ink``, ``--warning-text``."""
        return " ".join(f"--{name.replace('_', '-')}: {colour};" for name, colour in asdict(self).items())


LIGHT = Palette(
    ink="#1d2733",
    soft="#5a6b7d",
    rule="#dde3ea",
    paper="#ffffff",
    data="#3a77a8",
    baseline="#aab4bf",
    contrast="#c2571a",
    bad="#b42318",
    warning="#d9a03c",
    warning_text="#96580a",
)
DARK = Palette(
    ink="#dfe6ee",
    soft="#93a1b0",
    rule="#2b3541",
    paper="#12171d",
    data="#6a9fd0",
    baseline="#66727f",
    contrast="#e08a4a",
    bad="#ef7367",
    warning="#d9a03c",
    warning_text="#e5b25c",
)

# Colours of pictures in files, which have a light background on every screen.
GOOD = "#1a7f4b"
QUIET = "#8d9aa7"
"""Colour of arrows, and of an outcome that is neither good nor bad."""
CARD_RULE = "#c3ccd5"
DESK = "#f4f6f8"
"""Colour of the ground on which cards of ``paper`` lie."""
FOCUS = "#1d5fbf"
