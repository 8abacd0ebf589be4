"""All text in a page or picture is escaped, and the rest of it is well-formed."""

import dataclasses
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pages import html, svg
from pipelines.pages.markup import Markup, element, escape, join
from pipelines.pages.palette import DARK, LIGHT, Palette
from pipelines.pages.scale import Scale
from pipelines.pages.text import count_fitting, shorten, show_value

HOSTILE = "</text><script>alert(1)</script>\"'&\x00\x1b\u202e"


class Reader(HTMLParser):
    """The start tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def picture(text: str) -> str:
    drawn = svg.rect(0, 0, 1, 1, tip=text, class_=text), svg.text(0, 0, text), svg.dot(0, 0, 1, tip=text)
    return svg.document(10, 10, *drawn, label=text, style=".a { fill: none; }", background=LIGHT.paper)


def page(text: str) -> str:
    table = html.table([text], [html.row([text, element("i", text)], class_=text)], class_=text)
    return html.document(text, element("p", text, id=text), table, style="")


@given(st.text() | st.just(HOSTILE))
def test_picture_of_any_text_is_xml_with_known_elements(text: str) -> None:
    root = ElementTree.fromstring(picture(text).encode())
    names = [found.tag.partition("}")[2] for found in root.iter() if not found.tag.endswith("}title")]
    assert names == ["svg", "style", "rect", "rect", "text", "circle"]


@given(st.text() | st.just(HOSTILE))
def test_page_of_any_text_has_known_elements(text: str) -> None:
    head = ["html", "head", "meta", "meta", "meta", "title", "style"]
    assert Reader(page(text)).tags == [*head, "body", "p", "table", "tr", "th", "tr", "td", "td", "i"]


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b", "a\u200bb", "a\x00b", "a\ud800b"])
def test_invisible_characters_are_spelled_out(text: str) -> None:
    for written in (escape(text), page(text), picture(text), show_value(text)):
        assert text not in written
        assert text.encode("unicode_escape").decode() in written


def test_white_space_in_text_stays() -> None:
    assert escape("a\n\tb") == "a\n\tb"


def test_markup_is_escaped_once_and_only_text_is() -> None:
    inner = element("b", "a < b")
    assert element("p", inner, " & c") == "<p><b>a &lt; b</b> &amp; c</p>"
    assert element("p", f"{inner}") == "<p>&lt;b&gt;a &amp;lt; b&lt;/b&gt;</p>", "an f-string is text again"
    assert isinstance(join([inner, inner], "\n"), Markup)


def test_page_may_load_nothing() -> None:
    assert "default-src 'none'" in page("a")
    assert "http" not in page("a").replace("http-equiv", "")
    assert "@import" not in page("a")
    assert "url(" not in page("a")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-12.5", "-12.5"),
        ("+7", "+7"),
        ("-", "'-"),
        ("a\tb", "a\\tb"),
        (" a b ", "␣a b␣"),
        ("  ", "␣␣"),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_values_are_shown_harmless_and_visible(value: str, shown: str) -> None:
    assert show_value(value) == shown


def test_shortened_text_fits() -> None:
    assert [shorten("abcdef", length) for length in (7, 6, 5, 1)] == ["abcdef", "abcdef", "abcd…", "…"]
    assert count_fitting(100, 10) == 18


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_scale_maps_its_ends_and_keeps_order(low: float, high: float) -> None:
    scale = Scale(low, high, 100, 0)
    assert (scale.at(low), scale.at(high)) == ((50, 50) if low == high else (100, 0))


def test_every_colour_is_used_once_and_has_a_dark_variant() -> None:
    for palette in (LIGHT, DARK):
        colours = [*dataclasses.asdict(palette).values()]
        assert len(set(colours)) == len(colours)
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
    assert f"--warning-text: {DARK.warning_text};" in page("a")


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("name", ["ink", "soft", "bad", "warning_text"])
def test_text_has_the_contrast_of_wcag_aa(palette: Palette, name: str) -> None:
    light, dark = sorted((luminance(getattr(palette, name)), luminance(palette.paper)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
