"""Renders the year as one SVG: the old model, the retrained models and the estimate, by month."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mooring.demo.month import Month
from pipelines.pages import svg
from pipelines.pages.markup import Markup
from pipelines.pages.palette import GOOD, LIGHT, QUIET
from pipelines.pages.scale import Scale
from pipelines.pages.svg import DASHES
from pipelines.pages.text import count_fitting

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 96, 62
STEP = 0.05
"""Area under the curve between two lines of the grid."""
OLD, NEW, ESTIMATED = LIGHT.soft, GOOD, LIGHT.warning_text
COST, SAVED = GOOD, LIGHT.bad
"""Colours of the gap: of a month in which the retrained model is better, and of one in which the old model is."""
GAP_WIDTH, GAP_OPACITY = 16, 0.25
LINE_WIDTH = 2.4
OUTCOMES = {"drift": LIGHT.bad, "warning": LIGHT.warning, "stable": QUIET}
SMALL_SIZE, SMALL_HEIGHT = 11, 13
STYLE = f"""
text {{ font-size: 12px; }}
.small {{ font-size: {SMALL_SIZE}px; fill: {LIGHT.soft}; }}
.outcome {{ font-size: {SMALL_SIZE}px; fill: {LIGHT.paper}; text-anchor: middle; }}
.line {{ fill: none; stroke-width: {LINE_WIDTH}; stroke-linejoin: round; }}
"""


def render(months: Sequence[Month], *, model: str) -> str:
    """Return lines of the three areas under the curve, the gap of old and retrained model, and each month's outcome."""
    values = [value for month in months for value in (month.measured, month.estimated, month.fresh)]
    low, high = STEP * int(min(values) / STEP), STEP * (int(max(values) / STEP) + 1)
    plot = _Plot(months, Scale(low, high, HEIGHT - BOTTOM, TOP))
    heading = f"{model}: what drift costs"
    return svg.document(
        WIDTH,
        HEIGHT,
        svg.text(LEFT, 28, heading, class_="heading"),
        *_legend(),
        *_grid(plot.scale),
        *plot.gaps(),
        *plot.line(lambda month: month.estimated, ESTIMATED, dashes=DASHES),
        *plot.line(lambda month: month.measured, OLD),
        *plot.line(lambda month: month.fresh, NEW),
        *plot.outcomes(),
        label=heading,
        style=STYLE,
        background=LIGHT.paper,
    )


def _legend() -> Iterator[Markup]:
    right = LEFT + 300
    for x, y, colour, dashes, text in (
        (LEFT, 50, OLD, None, "the old model, labels joined"),
        (LEFT, 70, ESTIMATED, DASHES, "the old model, estimated without labels"),
        (right, 50, NEW, None, "a model of the three months before"),
    ):
        yield svg.line(x, y, x + 22, y, stroke=colour, stroke_width=LINE_WIDTH, stroke_dasharray=dashes)
        yield svg.text(x + 30, y + 4, text)
    for x, colour, text in ((right, COST, "what drift costs"), (right + 150, SAVED, "what that model would lose")):
        yield svg.rect(x + 3, 62, GAP_WIDTH, 16, fill=colour, fill_opacity=GAP_OPACITY)
        yield svg.text(x + 30, 74, text)


def _grid(scale: Scale) -> Iterator[Markup]:
    for number in range(round((scale.high - scale.low) / STEP) + 1):
        value = scale.low + number * STEP
        y = scale.at(value)
        yield svg.line(LEFT, y, WIDTH - RIGHT, y, stroke=LIGHT.rule)
        yield svg.text(LEFT - 8, y + 4, f"{value:.2f}", class_="small", text_anchor="end")
    yield svg.text(LEFT - 8, TOP - 12, "AUC", class_="small", text_anchor="end")


@dataclass(frozen=True)
class _Plot:
    months: Sequence[Month]
    scale: Scale

    @property
    def step(self) -> float:
        return (WIDTH - LEFT - RIGHT) / max(1, len(self.months))

    def x(self, number: int) -> float:
        return LEFT + self.step * (number + 0.5)

    def line(self, value: Callable[[Month], float], colour: str, *, dashes: str | None = None) -> Iterator[Markup]:
        points = [(self.x(number), self.scale.at(value(month))) for number, month in enumerate(self.months)]
        yield svg.polyline(points, class_="line", stroke=colour, stroke_dasharray=dashes)
        for (x, y), month in zip(points, self.months, strict=True):
            yield svg.dot(x, y, 3.4, tip=f"{month.name}: {value(month):.3f}", fill=colour)

    def gaps(self) -> Iterator[Markup]:
        """Yield bars from the old model's value to the retrained model's, in the colour of the better one."""
        for number, month in enumerate(self.months):
            top, bottom = sorted((self.scale.at(month.measured), self.scale.at(month.fresh)))
            x, colour = self.x(number) - GAP_WIDTH / 2, COST if month.cost > 0 else SAVED
            yield svg.bar(x, bottom, GAP_WIDTH, bottom - top, class_="gap", fill=colour, fill_opacity=GAP_OPACITY)

    def outcomes(self) -> Iterator[Markup]:
        """Yield each month's name below its values, and the outcome of its check on a coloured ground."""
        width = min(self.step - 3, 90)
        for number, month in enumerate(self.months):
            x, y = self.x(number), HEIGHT - BOTTOM + 30
            colour = OUTCOMES.get(month.outcome, OLD)
            lines = textwrap.wrap(month.outcome.replace("_", " "), count_fitting(width, SMALL_SIZE))
            yield svg.text(x, y - 8, month.name, text_anchor="middle")
            yield svg.rect(x - width / 2, y, width, SMALL_HEIGHT * len(lines) + 5, rx=4, fill=colour)
            for place, line in enumerate(lines):
                yield svg.text(x, y + SMALL_HEIGHT * (place + 1), line, class_="outcome")
