"""Elements of HTML and SVG. Text becomes markup here and nowhere else, so that all of it is escaped."""

import html
from collections.abc import Iterable

WHITE_SPACE = "\t\n\r"
_WITHOUT_CONTENT = frozenset(("circle", "line", "path", "polyline", "rect"))
"""Elements of SVG that are written as one tag when they are empty."""


class Markup(str):
    """HTML or SVG, which is not escaped again."""

    __slots__ = ()


def escape(text: str) -> Markup:
    r"""Return text as markup, good for content and for attributes.

    Characters that cannot be seen are spelled out: some turn the direction of writing, some break XML.

    Examples
    --------
    >>> escape('a < "b" \u202e')
    'a &lt; &quot;b&quot; \\u202e'
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char in WHITE_SPACE else spell_out(char) for char in text)
    return Markup(html.escape(text))


def spell_out(character: str) -> str:
    return character.encode("unicode_escape").decode()


def join(parts: Iterable[Markup], separator: str) -> Markup:
    return Markup(separator.join(parts))


def element(name: str, /, *content: str, **attributes: str | float | None) -> Markup:
    """Return an element. Content is escaped unless it is ``Markup``.

    An attribute that is None is left out. In an attribute's name ``_`` stands for ``-``, except at the end. Numbers
    have four digits: a tenth of a pixel up to 1000.

    Examples
    --------
    >>> element("p", "a < b, ", element("b", "c"), class_="note", id=None)
    '<p class="note">a &lt; b, <b>c</b></p>'
    >>> element("line", x1=0, x2=12.3456, stroke_width=0.25)
    '<line x1="0" x2="12.35" stroke-width="0.25"/>'
    """
    opening = name + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not content and name in _WITHOUT_CONTENT:
        return Markup(f"<{opening}/>")
    inner = "".join(part if isinstance(part, Markup) else escape(part) for part in content)
    return Markup(f"<{opening}>{inner}</{name}>")


def _attribute(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
