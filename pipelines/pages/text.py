"""Text that is safe to show and that fits: values of a dataset, and labels of pictures."""

from pipelines.pages.markup import spell_out

MAX_LENGTH = 60
FORMULA_STARTS = ("=", "+", "-", "@")
CHARACTER_EM = 0.54
"""Width of a character of running text in a sans-serif font, as a share of the font's size; a little generous."""


def shorten(text: str, max_length: int) -> str:
    """Return a text with at most ``max_length`` characters; the last one is "…" if others are cut off."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def count_fitting(width: float, font_size: float) -> int:
    """Return how many characters fit into a width in pixels."""
    return int(width / (CHARACTER_EM * font_size))


def show_value(value: str, max_length: int = MAX_LENGTH) -> str:
    r"""Return a value of a dataset, or a column's name, as harmless text in which everything can be seen.

    It is shortened to ``max_length`` characters. Characters that cannot be seen are spelled out, also spaces at the
    ends. What a spreadsheet would take for a formula gets an apostrophe before it, for tables are copied from pages.

    Examples
    --------
    >>> show_value(" a\tb ")
    '␣a\\tb␣'
    >>> show_value("=1+1"), show_value("-12.5")
    ("'=1+1", '-12.5')
    """
    visible = "".join(char if char.isprintable() else spell_out(char) for char in shorten(value, max_length))
    inner = visible.strip(" ")
    start = visible.find(inner) if inner else len(visible)
    visible = "␣" * start + inner + "␣" * (len(visible) - start - len(inner))
    if visible.startswith(FORMULA_STARTS) and not _is_number(visible):
        visible = f"'{visible}"
    return visible


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
