"""SVG: shapes, pictures inside a page, and pictures that are files. Lengths are in pixels."""

from collections.abc import Iterable

from pipelines.pages.markup import Markup, element, join
from pipelines.pages.palette import LIGHT

DASHES = "6 4"
TEXT_STYLE = f"""
text {{ font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 11px; fill: {LIGHT.ink}; }}
.heading {{ font-size: 16px; font-weight: 600; }}
"""


def document(width: int, height: int, *drawn: Markup, label: str, style: str, background: str) -> str:
    """Return the text of a file that is one picture.

    ``label`` is what a screen reader says; ``style`` is CSS, and must not hold data.
    """
    picture = element(
        "svg",
        join((Markup(f"<style>{TEXT_STYLE}{style}</style>"), rect(0, 0, width, height, fill=background), *drawn), "\n"),
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
    )
    return f"{picture}\n"


def picture(width: int, height: int, *drawn: Markup, label: str, class_: str | None = None) -> Markup:
    """Return a picture inside a page, of its own size."""
    box = f"0 0 {width} {height}"
    return element("svg", *drawn, class_=class_, role="img", aria_label=label, viewBox=box, width=width, height=height)


def stretched(width: int, height: int, *drawn: Markup, label: str, class_: str) -> Markup:
    """Return a picture inside a page that is stretched to the size that its class has there."""
    box = f"0 0 {width} {height}"
    return element("svg", *drawn, class_=class_, role="img", aria_label=label, viewBox=box, preserveAspectRatio="none")


def text(x: float, y: float, content: str, **attributes: str | float | None) -> Markup:
    return element("text", content, x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float | None) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def polyline(points: Iterable[tuple[float, float]], **attributes: str | float | None) -> Markup:
    return element("polyline", points=" ".join(f"{x:.4g},{y:.4g}" for x, y in points), **attributes)


def rect(x: float, y: float, width: float, height: float, *, tip: str = "", **attributes: str | float | None) -> Markup:
    """Return a rectangle; ``tip`` is shown when one points at it."""
    return element("rect", *_title(tip), x=x, y=y, width=width, height=height, **attributes)


def bar(
    x: float, bottom: float, width: float, height: float, *, tip: str = "", **attributes: str | float | None
) -> Markup:
    """Return a rectangle that stands on ``bottom``."""
    return rect(x, bottom - height, width, height, tip=tip, **attributes)


def dot(x: float, y: float, radius: float, *, tip: str, **attributes: str | float | None) -> Markup:
    return element("circle", *_title(tip), cx=x, cy=y, r=radius, **attributes)


def _title(tip: str) -> list[Markup]:
    return [element("title", tip)] if tip else []
