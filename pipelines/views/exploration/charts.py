"""Draws the pictures of a profile's page, as inline SVG that the page's style colours."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from pipelines.pages import svg
from pipelines.pages.markup import Markup, element
from pipelines.pages.scale import Scale
from pipelines.pages.text import count_fitting, shorten, show_value
from pipelines.views.exploration.distribution import Histogram
from pipelines.views.exploration.profiling import Correlations
from pipelines.views.exploration.wording import share

WIDTH, HEIGHT = 400, 100
ROWS_WIDTH = 1000
TIME_WIDTH, TIME_HEIGHT, TIME_MARGIN = 220, 48, 4
GAPS_HEIGHT = 22
HEADROOM = 2
"""Height in pixels that the highest bar leaves free."""
FEW_POINTS = 24
"""Largest number of points that are drawn as large dots."""
CELL, ROW, NAME_SIZE = 46, 28, 12
LABEL, TURNED = 130, 95
"""Width of the heat map's names of rows, and height of its turned names of columns."""


def draw_histogram(
    histogram: Histogram, median: float, show: Callable[[float], str], *, whole: bool, tips: bool
) -> Markup:
    """Draw bars between the histogram's edges, and a line at the median; with ``tips`` bars have tool tips."""
    half = 0.5 if whole else 0.0
    across = Scale(histogram.edges[0], histogram.edges[-1], 0, WIDTH)
    upward = Scale(0, max(histogram.counts), 0, HEIGHT - HEADROOM)
    bars = []
    for (left, right), count in zip(pairwise(histogram.edges), histogram.counts, strict=True):
        if not count:
            continue
        width = max(across.at(right) - across.at(left) - 1, 0.5)
        # A bar of few rows must be seen: one pixel.
        height = max(1.0, upward.at(count))
        tip = f"{show(left + half)} to {show(right - half)}: {count:,}" if tips else ""
        bars.append(svg.bar(across.at(left), HEIGHT, width, height, tip=tip))
    x = min(max(across.at(median), 0), WIDTH)
    line = svg.line(x, 0, x, HEIGHT, class_="median")
    return svg.stretched(WIDTH, HEIGHT, *bars, line, label="rows by value", class_="chart")


def draw_categories(top: Sequence[tuple[str, int]], present: int, distinct: int) -> Markup:
    """Draw the most frequent values as bars of their share, and one bar for all others."""
    rows = [(element("span", show_value(value)), count) for value, count in top]
    rest = present - sum(count for _, count in top)
    if rest > 0:
        rows.append((element("i", f"{distinct - len(top):,} others"), rest))
    widest = top[0][1]
    bars = (part for label, count in rows for part in _category(label, count, widest, present))
    return element("div", *bars, class_="bars")


def _category(label: Markup, count: int, widest: int, present: int) -> tuple[Markup, Markup, Markup]:
    width = min(100 * count / widest, 100)
    return label, element("b", element("s", style=f"width:{width:.1f}%")), element("em", share(count / present))


def draw_rows(periods: Sequence[tuple[str, int]]) -> Markup:
    """Draw the rows by period, over the page's whole width."""
    upward = Scale(0, max(count for _, count in periods), 0, HEIGHT - HEADROOM)
    step = ROWS_WIDTH / len(periods)
    bars = (
        svg.bar(step * number, HEIGHT, max(step - 2, 1), upward.at(count), tip=f"{label}: {count:,} rows")
        for number, (label, count) in enumerate(periods)
    )
    return svg.stretched(ROWS_WIDTH, HEIGHT, *bars, label="rows by period", class_="rows")


def draw_over_time(
    values: Sequence[float | None], low: float, high: float, *, labels: Sequence[str], show: Callable[[float], str]
) -> Markup:
    """Draw one number by period as a line between ``low`` and ``high``; the line breaks where a number is missing."""
    upward = Scale(low, high, TIME_HEIGHT - TIME_MARGIN, TIME_MARGIN)
    step = TIME_WIDTH / max(len(values) - 1, 1)
    radius = 2.5 if len(values) <= FEW_POINTS else 1.2
    pieces: list[list[tuple[float, float]]] = [[]]
    dots = []
    for number, (value, label) in enumerate(zip(values, labels, strict=True)):
        if value is None:
            pieces.append([])
            continue
        point = (step * number, upward.at(value))
        pieces[-1].append(point)
        dots.append(svg.dot(*point, radius, tip=f"{label}: {show(value)}"))
    lines = (svg.polyline(points) for points in pieces if len(points) > 1)
    return svg.picture(TIME_WIDTH, TIME_HEIGHT, *lines, *dots, label="value by period", class_="line")


def draw_missing(values: Sequence[float | None], labels: Sequence[str]) -> Markup:
    """Draw the missing share by period as bars; the largest has the whole height."""
    upward = Scale(0, max(value or 0 for value in values), 0, GAPS_HEIGHT - HEADROOM)
    step = TIME_WIDTH / len(values)
    bars = (
        svg.bar(
            step * number, GAPS_HEIGHT, max(step - 1.5, 1), upward.at(value), tip=f"{label}: {share(value)} missing"
        )
        for number, (value, label) in enumerate(zip(values, labels, strict=True))
        if value
    )
    return svg.picture(TIME_WIDTH, GAPS_HEIGHT, *bars, label="missing share by period", class_="gaps")


def draw_correlations(found: Correlations) -> Markup:
    """Draw the lower triangle of the correlations: the colour is the sign, its strength the correlation's."""
    names = [show_value(name) for name in found.columns]
    short = [shorten(name, count_fitting(LABEL - 8, NAME_SIZE)) for name in names]
    height = ROW * (len(names) - 1)
    drawn = []
    for row in range(1, len(names)):
        top = ROW * (row - 1)
        drawn.append(svg.text(LABEL - 8, top + 18, short[row], class_="name"))
        for place in range(row):
            value = found.values[row][place]
            if value is not None:
                tip = f"{names[row]} and {names[place]}: {value:.3f}"
                drawn += _cell(LABEL + CELL * place, top, value, tip)
    for place, name in enumerate(short[:-1]):
        turned = f"translate({LABEL + CELL * place + CELL // 2} {height + 10}) rotate(-40)"
        drawn.append(element("text", name, class_="name", transform=turned))
    # Turned names of the first columns reach to the left of their cells, below the names of the rows.
    width = LABEL + CELL * (len(names) - 1)
    return svg.picture(width, height + TURNED, *drawn, label="correlation of each two columns", class_="heat")


def _cell(left: int, top: int, value: float, tip: str) -> tuple[Markup, Markup]:
    sign = "plus" if value > 0 else "minus"
    weight = "strong" if abs(value) > 0.6 else "weak"
    return (
        svg.rect(left, top, CELL - 2, ROW - 2, tip=tip, class_=sign, fill_opacity=abs(value)),
        # Adding 0 turns -0.0 into 0.0.
        svg.text(left + CELL // 2 - 1, top + 18, f"{round(value, 2) + 0.0:.2f}", class_=weight),
    )
