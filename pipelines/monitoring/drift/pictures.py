"""The report's pictures as inline SVG; every text in them is escaped."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.monitoring.drift.decision import ColumnVerdict
from pipelines.statistics.category_column import CategoryColumn
from pipelines.statistics.number_column import NumberColumn
from pipelines.statistics.profile import Column

BAR_WIDTH, ROW_HEIGHT, LABEL_WIDTH = 420, 22, 190
WIDTH, HEIGHT, FOOT = 300, 120, 18
BINS, CATEGORIES = 30, 8
LEAST_WIDTH = 3
"""Of a bar: its colour is to be seen."""
THEN, NOW, ALARM, NOTICE = "#aab4bf", "#2f6f9f", "#c0392b", "#d9a03c"

Array = npt.NDArray[np.float64]


def bars(columns: Sequence[ColumnVerdict]) -> str:
    """A bar for each column, as long as the root of its weight, so that one that moved far leaves others to be seen."""
    heaviest = max([1e-9, *(judged.weight for judged in columns)])
    drawn = []
    for row, judged in enumerate(columns):
        top, width = row * ROW_HEIGHT, max(LEAST_WIDTH, BAR_WIDTH * math.sqrt(judged.weight / heaviest))
        drawn.append(
            f'<text x="{LABEL_WIDTH - 8}" y="{top + 15}" text-anchor="end" font-size="13">{escape(judged.name)}</text>'
            f'<rect x="{LABEL_WIDTH}" y="{top + 4}" width="{width:.1f}" height="{ROW_HEIGHT - 8}" '
            f'fill="{ALARM if judged.drifted else NOTICE if judged.changed else THEN}"/>'
            f'<text x="{LABEL_WIDTH + width + 6:.1f}" y="{top + 15}" font-size="12">{judged.weight:.3f}</text>'
        )
    return _svg("effect times importance by column", LABEL_WIDTH + BAR_WIDTH + 60, ROW_HEIGHT * len(columns), drawn)


def histogram(reference: Column, current: Column) -> str:
    """A column's rows then and now, as shares."""
    if isinstance(reference, NumberColumn) and isinstance(current, NumberColumn):
        return _density(reference, current)
    assert isinstance(reference, CategoryColumn)
    assert isinstance(current, CategoryColumn)
    return _categories(reference, current)


def trend(checks: Sequence[Mapping[str, Any]]) -> str:
    """The largest effect of a drifted column in each check, in order of time; red where drift was called."""
    effects = [
        max([float(column["effect"]) for column in check["worst"] if column["drifted"]], default=0.0)
        for check in checks
    ]
    step, highest = WIDTH * 2 / max(1, len(checks)), max([0.1, *effects])
    drawn = []
    for number, (check, effect) in enumerate(zip(checks, effects, strict=True)):
        height = max(1.0, HEIGHT * effect / highest)
        drawn.append(
            f'<rect x="{number * step:.1f}" y="{HEIGHT - height:.1f}" width="{step * 0.8:.1f}" height="{height:.1f}" '
            f'fill="{ALARM if check["outcome"] == "drift" else NOTICE}">'
            f"<title>{escape(str(check['end']))}: {escape(str(check['outcome']))}, {effect:.2f}</title></rect>"
        )
    first, last = (escape(str(check["end"])) for check in (checks[0], checks[-1]))
    drawn.append(_axis(first, last, 2 * WIDTH))
    return _svg("largest effect by window", 2 * WIDTH, HEIGHT + FOOT, drawn)


def _density(reference: NumberColumn, current: NumberColumn) -> str:
    """Between the 1st and 99th percentile of both; what lies beyond is in the outermost bars."""
    ends = _ends(reference, current)
    if ends is None:
        return "<p class=note>no numbers</p>"
    low, high = _range(reference, current, ends)
    grid = np.linspace(low, high, BINS + 1)
    drawn, shares = [], []
    for column in (reference, current):
        below = np.interp(grid, ends, np.append(0.0, np.cumsum(column.counts)) / max(1, column.rows))
        below[0], below[-1] = 0.0, column.counts.sum() / max(1, column.rows)
        shares.append(np.diff(below))
    highest, step = max(1e-9, *(float(share.max()) for share in shares)), WIDTH / BINS
    for share, colour, opacity in zip(shares, (THEN, NOW), (1.0, 0.55), strict=True):
        drawn += [
            _rect(number * step, step * 0.95, HEIGHT * value / highest, colour, opacity)
            for number, value in enumerate(share)
            if value > 0
        ]
    drawn.append(_axis(f"{low:.4g}", f"{high:.4g}", WIDTH))
    return _svg("share of rows by value", WIDTH, HEIGHT + FOOT, drawn)


def _ends(reference: NumberColumn, current: NumberColumn) -> Array | None:
    """The ends of the bins, closed by the smallest and largest value of both; None without bins or numbers."""
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


def _categories(reference: CategoryColumn, current: CategoryColumn) -> str:
    """The most frequent categories of both together, and the rest."""
    one, two = (column.counts / max(1, column.rows) for column in (reference, current))
    chosen = np.argsort(-(one + two), kind="stable")[:CATEGORIES]
    rows = [(reference.categories[number], float(one[number]), float(two[number])) for number in chosen]
    listed = [float(share[chosen].sum()) for share in (one, two)]
    rest = [
        max(0.0, (column.rows - column.missing) / max(1, column.rows) - part)
        for column, part in zip((reference, current), listed, strict=True)
    ]
    if max(rest) > 1e-9:
        rows.append(("others", rest[0], rest[1]))
    highest = max([1e-9, *(max(then, now) for _, then, now in rows)])
    drawn = []
    for number, (name, then, now) in enumerate(rows):
        top = number * 20
        drawn.append(f'<text x="84" y="{top + 13}" text-anchor="end" font-size="11">{escape(_short(name))}</text>')
        for offset, share, colour in ((2, then, THEN), (10, now, NOW)):
            width = (WIDTH - 130) * share / highest
            drawn.append(f'<rect x="90" y="{top + offset}" width="{width:.1f}" height="7" fill="{colour}"/>')
        right = 94 + (WIDTH - 130) * max(then, now) / highest
        drawn.append(f'<text x="{right:.1f}" y="{top + 13}" font-size="10">{now:.1%}</text>')
    return _svg("share of rows by category", WIDTH, 20 * len(rows), drawn)


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"


def _rect(x: float, width: float, height: float, colour: str, opacity: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{colour}" fill-opacity="{opacity}"/>'
    )


def _axis(left: str, right: str, width: int) -> str:
    return (
        f'<line x1="0" x2="{width}" y1="{HEIGHT}" y2="{HEIGHT}" stroke="#5a6b7d"/>'
        f'<text x="0" y="{HEIGHT + 13}" font-size="11">{left}</text>'
        f'<text x="{width}" y="{HEIGHT + 13}" font-size="11" text-anchor="end">{right}</text>'
    )


def _svg(label: str, width: int, height: int, drawn: Sequence[str]) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg role="img" aria-label="{label}" {size}>{"".join(drawn)}</svg>'
