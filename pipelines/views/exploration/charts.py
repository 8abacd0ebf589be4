"""The pictures on the page of a profile, as inline SVG in the page's own colours."""

from collections.abc import Callable, Sequence

from pipelines.views.exploration.distribution import Histogram
from pipelines.views.exploration.profiling import Correlations
from pipelines.views.exploration.wording import safe, share

WIDTH, HEIGHT = 400, 100
TIME_WIDTH, TIME_HEIGHT = 220, 48
FEW = 24
"""Points of a line that are drawn large."""
CELL, ROW, LABEL = 46, 28, 130


def histogram_chart(
    histogram: Histogram, median: float, show: Callable[[float], str], *, whole: bool, tips: bool
) -> str:
    """Bars between the histogram's edges; a line at the median. With ``tips`` each bar says what it stands for."""
    half = 0.5 if whole else 0.0
    edges, counts = histogram.edges, histogram.counts
    highest, span = max(counts), edges[-1] - edges[0]
    bars = []
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        if not count:
            continue
        # A bar of few rows must be seen: one pixel.
        height = max(1.0, (HEIGHT - 2) * count / highest)
        x, width = WIDTH * (left - edges[0]) / span, max(WIDTH * (right - left) / span - 1, 0.5)
        tip = f"<title>{show(left + half)} to {show(right - half)}: {count:,}</title>" if tips else ""
        bars.append(
            f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{width:.1f}" height="{height:.1f}">{tip}</rect>'
        )
    x = min(max(WIDTH * (median - edges[0]) / span, 0), WIDTH)
    line = f'<path class="median" d="M{x:.1f} 0V{HEIGHT}"/>'
    return _svg("chart", WIDTH, HEIGHT, "".join(bars) + line, stretched=True)


def category_bars(top: Sequence[tuple[str, int]], present: int, distinct: int) -> str:
    """The most frequent values as bars of their share, and one for all others."""
    rows = [(f"<span>{safe(value)}</span>", count) for value, count in top]
    rest = present - sum(count for _, count in top)
    if rest > 0:
        rows.append((f"<i>{distinct - len(top):,} others</i>", rest))
    widest = top[0][1]
    bars = (
        f'{label}<b><s style="width:{min(100 * count / widest, 100):.1f}%"></s></b><em>{share(count / present)}</em>'
        for label, count in rows
    )
    return f'<div class="bars">{"".join(bars)}</div>'


def rows_chart(periods: Sequence[tuple[str, int]]) -> str:
    """Rows by period, over the page's whole width."""
    highest = max(count for _, count in periods)
    step = 1000 / len(periods)
    bars = "".join(
        f'<rect x="{step * place:.1f}" y="{100 - 98 * count / highest:.1f}" width="{max(step - 2, 1):.1f}" '
        f'height="{98 * count / highest:.1f}"><title>{label}: {count:,} rows</title></rect>'
        for place, (label, count) in enumerate(periods)
    )
    return _svg("rows", 1000, 100, bars, stretched=True)


def time_line(
    values: Sequence[float | None], low: float, high: float, *, labels: Sequence[str], show: Callable[[float], str]
) -> str:
    """One number by period as a line from ``low`` to ``high``, interrupted where there is none."""
    span = high - low
    step = TIME_WIDTH / max(len(values) - 1, 1)
    radius = 2.5 if len(values) <= FEW else 1.2
    path, dots, drawing = "", "", False
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        if value is None:
            drawing = False
            continue
        x = step * place
        y = TIME_HEIGHT - 4 - (TIME_HEIGHT - 8) * ((value - low) / span if span else 0.5)
        path += f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}"
        drawing = True
        dots += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{label}: {show(value)}</title></circle>'
    return _svg("line", TIME_WIDTH, TIME_HEIGHT, f'<path d="{path}"/>{dots}')


def missing_line(values: Sequence[float | None], labels: Sequence[str]) -> str:
    """The share that is missing by period, as bars; the whole height is the largest."""
    highest = max(value or 0 for value in values)
    step = TIME_WIDTH / len(values)
    bars = "".join(
        f'<rect x="{step * place:.1f}" y="{22 - 20 * value / highest:.1f}" width="{max(step - 1.5, 1):.1f}" '
        f'height="{20 * value / highest:.1f}"><title>{label}: {share(value)} missing</title></rect>'
        for place, (value, label) in enumerate(zip(values, labels, strict=True))
        if value
    )
    return _svg("gaps", TIME_WIDTH, 22, bars)


def heat_map(found: Correlations) -> str:
    """The lower triangle of the correlations: the stronger, the more colour; its sign says which."""
    names = found.columns
    cells = []
    for row, name in enumerate(names[1:], start=1):
        y = ROW * (row - 1)
        cells.append(f'<text class="name" x="{LABEL - 8}" y="{y + 18}">{safe(name, 20)}</text>')
        for place in range(row):
            value = found.values[row][place]
            if value is None:
                continue
            x = LABEL + CELL * place
            kind = "plus" if value > 0 else "minus"
            tip = f"<title>{safe(name)} and {safe(names[place])}: {value:.3f}</title>"
            cells.append(
                f'<rect class="{kind}" x="{x}" y="{y}" width="{CELL - 2}" height="{ROW - 2}" '
                f'fill-opacity="{abs(value):.2f}">{tip}</rect>'
                f'<text class="{"strong" if abs(value) > 0.6 else "weak"}" x="{x + CELL / 2 - 1}" y="{y + 18}">'
                f"{round(value, 2) + 0.0:.2f}</text>"
            )
    height = ROW * (len(names) - 1)
    for place, name in enumerate(names[:-1]):
        turned = f"translate({LABEL + CELL * place + CELL // 2} {height + 10}) rotate(-40)"
        cells.append(f'<text class="name" transform="{turned}">{safe(name, 20)}</text>')
    # Turned names of the first columns reach to the left of their cells, below the names of the rows.
    return _svg("heat", LABEL + CELL * (len(names) - 1), height + 95, "".join(cells))


def _svg(name: str, width: float, height: float, body: str, *, stretched: bool = False) -> str:
    # What is not stretched has a size of its own, at most the room that there is.
    shape = 'preserveAspectRatio="none"' if stretched else f'width="{width:.0f}"'
    return f'<svg class="{name}" role="img" viewBox="0 0 {width:.0f} {height:.0f}" {shape}>{body}</svg>'
