"""Draws the pictures of a check's report, as inline SVG that the report's style colours."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.interface.records import Check, CheckOutcome
from pipelines.monitoring.drift.decision import ColumnVerdict
from pipelines.pages import svg
from pipelines.pages.markup import Markup, element
from pipelines.pages.scale import Scale
from pipelines.pages.text import count_fitting, shorten, show_value
from pipelines.statistics.category_column import CategoryColumn
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.profile import Column

BAR_WIDTH, ROW_HEIGHT, LABEL_WIDTH, NAME_SIZE = 420, 22, 190, 13
MIN_BAR_WIDTH = 3
"""Width in pixels at which a bar's colour can still be seen."""
WIDTH, HEIGHT, AXIS_HEIGHT = 300, 120, 18
BINS = 30
CATEGORIES, CATEGORY_HEIGHT, CATEGORY_LABEL_WIDTH, CATEGORY_SIZE = 8, 20, 90, 11
GAP = 6
"""Pixels between a bar and the text beside it."""
STYLE = """
svg text { font-size: 11px; } svg line { stroke: var(--soft); }
.baseline { fill: var(--baseline); } .current { fill: var(--data); } .overlaid { fill-opacity: .6; }
.bad { fill: var(--bad); } .warning { fill: var(--warning); }
"""
"""Style of the pictures: ``baseline`` is what the model was trained on, ``current`` this window."""

Array = npt.NDArray[np.float64]


def draw_weights(columns: Sequence[ColumnVerdict]) -> Markup:
    """Draw a bar for each column. Its length is the root of the weight, so that the small ones can be told apart."""
    across = Scale(0, math.sqrt(max([1e-9, *(verdict.weight for verdict in columns)])), 0, BAR_WIDTH)
    fitting = count_fitting(LABEL_WIDTH - GAP, NAME_SIZE)
    drawn = []
    for number, verdict in enumerate(columns):
        top, width = number * ROW_HEIGHT, max(MIN_BAR_WIDTH, across.at(math.sqrt(verdict.weight)))
        name = shorten(show_value(verdict.name), fitting)
        colour = "bad" if verdict.drifted else "warning" if verdict.changed else "baseline"
        drawn += [
            svg.text(LABEL_WIDTH - GAP, top + 15, name, text_anchor="end", style=f"font-size:{NAME_SIZE}px"),
            svg.rect(LABEL_WIDTH, top + 4, width, ROW_HEIGHT - 8, class_=colour),
            svg.text(LABEL_WIDTH + width + GAP, top + 15, f"{verdict.weight:.3f}"),
        ]
    label = "effect times importance by column"
    return svg.picture(LABEL_WIDTH + BAR_WIDTH + 60, ROW_HEIGHT * len(columns), *drawn, label=label)


def draw_column(reference: Column, current: Column) -> Markup:
    """Draw the rows of one column, of the baseline and of this window, as shares."""
    if isinstance(reference, NumberColumn) and isinstance(current, NumberColumn):
        return _numbers(reference, current)
    assert isinstance(reference, CategoryColumn)
    assert isinstance(current, CategoryColumn)
    return _categories(reference, current)


def draw_trend(checks: Sequence[Check]) -> Markup:
    """Draw the largest effect of a drifted column in each check, in order of time."""
    effects = [max((column.effect for column in check.worst if column.drifted), default=0.0) for check in checks]
    upward = Scale(0, max([0.1, *effects]), 0, HEIGHT)
    width = 2 * WIDTH
    step = width / max(1, len(checks))
    bars = (
        svg.bar(
            number * step,
            HEIGHT,
            step * 0.8,
            max(1.0, upward.at(effect)),
            tip=f"{check.end}: {check.outcome}, {effect:.2f}",
            class_="bad" if check.outcome == CheckOutcome.DRIFT else "warning",
        )
        for number, (check, effect) in enumerate(zip(checks, effects, strict=True))
    )
    axis = _axis(checks[0].end, checks[-1].end, width)
    return svg.picture(width, HEIGHT + AXIS_HEIGHT, *bars, *axis, label="largest effect by window")


def _numbers(reference: NumberColumn, current: NumberColumn) -> Markup:
    """Draw from the 1st percentile of both to the 99th; the outermost bars also hold the rows beyond."""
    ends = _ends(reference, current)
    if ends is None:
        return element("p", "no numbers", class_="note")
    low, high = _range(reference, current, ends)
    grid = np.linspace(low, high, BINS + 1)
    shares = []
    for column in (reference, current):
        below = np.interp(grid, ends, np.append(0.0, np.cumsum(column.counts)) / max(1, column.rows))
        below[0], below[-1] = 0.0, column.counts.sum() / max(1, column.rows)
        shares.append(np.diff(below))
    upward, step = Scale(0, max(1e-9, *(float(share.max()) for share in shares)), 0, HEIGHT), WIDTH / BINS
    bars = (
        svg.bar(number * step, HEIGHT, step * 0.95, upward.at(float(value)), class_=colour)
        for share, colour in zip(shares, ("baseline", "current overlaid"), strict=True)
        for number, value in enumerate(share)
        if value > 0
    )
    axis = _axis(f"{low:.4g}", f"{high:.4g}", WIDTH)
    return svg.picture(WIDTH, HEIGHT + AXIS_HEIGHT, *bars, *axis, label="share of rows by value")


def _ends(reference: NumberColumn, current: NumberColumn) -> Array | None:
    """Return the ends of the bins; the outermost are the smallest and largest value of both. None without numbers."""
    lows = [low for low in (reference.sums.low, current.sums.low) if low is not None]
    highs = [high for high in (reference.sums.high, current.sums.high) if high is not None]
    if not lows or not highs or not len(reference.edges):
        return None
    edges = reference.edges
    return np.concatenate(([min(*lows, edges[0])], edges, [max(*highs, edges[-1])]))


def _range(reference: NumberColumn, current: NumberColumn, ends: Array) -> tuple[float, float]:
    lows, highs = [], []
    for column in (reference, current):
        if column.counts.sum():
            below = np.append(0.0, np.cumsum(column.counts)) / column.counts.sum()
            lows.append(float(ends[np.searchsorted(below, 0.01, "right") - 1]))
            highs.append(float(ends[np.searchsorted(below, 0.99)]))
    low, high = min(lows), max(highs)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _categories(reference: CategoryColumn, current: CategoryColumn) -> Markup:
    """Draw the most frequent categories of both together, and one row for all others."""
    before, now = (column.counts / max(1, column.rows) for column in (reference, current))
    chosen = np.argsort(-(before + now), kind="stable")[:CATEGORIES]
    rows = [(reference.categories[place], float(before[place]), float(now[place])) for place in chosen]
    others = [
        max(0.0, (column.rows - column.missing) / max(1, column.rows) - float(share[chosen].sum()))
        for column, share in ((reference, before), (current, now))
    ]
    if max(others) > 1e-9:
        rows.append(("others", others[0], others[1]))
    across = Scale(0, max([1e-9, *(max(shares) for _, *shares in rows)]), 0, WIDTH - CATEGORY_LABEL_WIDTH - 40)
    drawn = [part for number, row in enumerate(rows) for part in _category(number * CATEGORY_HEIGHT, *row, across)]
    return svg.picture(WIDTH, CATEGORY_HEIGHT * len(rows), *drawn, label="share of rows by category")


def _category(top: int, name: str, before: float, now: float, across: Scale) -> tuple[Markup, ...]:
    left, right = CATEGORY_LABEL_WIDTH, CATEGORY_LABEL_WIDTH + across.at(max(before, now))
    shown = shorten(show_value(name), count_fitting(left - GAP, CATEGORY_SIZE))
    return (
        svg.text(left - GAP, top + 13, shown, text_anchor="end"),
        svg.rect(left, top + 2, across.at(before), 7, class_="baseline"),
        svg.rect(left, top + 10, across.at(now), 7, class_="current"),
        svg.text(right + GAP, top + 13, f"{now:.1%}"),
    )


def _axis(left: str, right: str, width: int) -> tuple[Markup, ...]:
    return (
        svg.line(0, HEIGHT, width, HEIGHT),
        svg.text(0, HEIGHT + 13, left),
        svg.text(width, HEIGHT + 13, right, text_anchor="end"),
    )
