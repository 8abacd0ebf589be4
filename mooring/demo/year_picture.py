"""The year as a picture: one self-contained SVG of the old model, the retrained ones and the estimate, by month."""

from collections.abc import Callable, Sequence
from html import escape

from mooring.demo.month import Month

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 96, 62
STEP = 0.05
"""Between two lines of the scale, in area under the curve."""
OLD, NEW, ESTIMATED = "#51606f", "#1a7f4b", "#a15c00"
COST, SAVED = "#1a7f4b", "#b42318"
GAP_WIDTH = 16
OUTCOMES = {"drift": "#b42318", "warning": "#d9a03c", "stable": "#8d9aa7"}
DASHES = ' stroke-dasharray="6 4"'
STYLE = """
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 12px; fill: #24313d; }
.heading { font-size: 16px; font-weight: 600; }
.small { font-size: 11px; fill: #51606f; }
.line { fill: none; stroke-width: 2.4; stroke-linejoin: round; }
"""

Value = Callable[[Month], float]


def render(months: Sequence[Month], *, model: str) -> str:
    """Lines of the three areas under the curve, the gap between old and retrained as a bar, each month's outcome below.

    Whatever the names hold, the picture stays a picture.
    """
    values = [value for month in months for value in (month.measured, month.estimated, month.fresh)]
    low, high = STEP * int(min(values) / STEP), STEP * (int(max(values) / STEP) + 1)
    place = _Place(months=len(months), low=low, high=high)
    heading = f"{model}: what drift costs"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(heading)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text class="heading" x="{LEFT}" y="28">{escape(heading)}</text>',
        *_legend(),
        *_scale(place),
        *(_gap(month, place, place.x(number)) for number, month in enumerate(months)),
        *_line(months, place, lambda month: month.estimated, ESTIMATED, dashed=True),
        *_line(months, place, lambda month: month.measured, OLD),
        *_line(months, place, lambda month: month.fresh, NEW),
        *(_outcome(month, place.x(number)) for number, month in enumerate(months)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Place:
    """Where a month's value lies in the picture."""

    def __init__(self, *, months: int, low: float, high: float) -> None:
        self.low, self.high = low, high
        self._step = (WIDTH - LEFT - RIGHT) / max(1, months)

    def x(self, number: int) -> float:
        return LEFT + self._step * (number + 0.5)

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low)


def _legend() -> list[str]:
    lines = ((OLD, "the old model, labels joined"), (ESTIMATED, "the old model, estimated without labels"))
    drawn = [
        f'<line x1="{LEFT}" x2="{LEFT + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.4"'
        f'{DASHES * (colour == ESTIMATED)}/><text x="{LEFT + 30}" y="{y + 4}">{text}</text>'
        for y, (colour, text) in zip((50, 70), lines, strict=True)
    ]
    x = LEFT + 300
    drawn.append(
        f'<line x1="{x}" x2="{x + 22}" y1="50" y2="50" stroke="{NEW}" stroke-width="2.4"/>'
        f'<text x="{x + 30}" y="54">a model of the three months before</text>'
    )
    for offset, colour, text in ((0, COST, "what drift costs"), (150, SAVED, "what that model would lose")):
        drawn.append(
            f'<rect x="{x + offset + 3}" y="62" width="{GAP_WIDTH}" height="16" fill="{colour}" fill-opacity="0.25"/>'
            f'<text x="{x + offset + 30}" y="74">{text}</text>'
        )
    return drawn


def _scale(place: _Place) -> list[str]:
    drawn = []
    for number in range(round((place.high - place.low) / STEP) + 1):
        value = place.low + number * STEP
        y = place.y(value)
        drawn.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dde3e8"/>'
            f'<text class="small" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>'
        )
    drawn.append(f'<text class="small" x="{LEFT - 8}" y="{TOP - 12}" text-anchor="end">AUC</text>')
    return drawn


def _gap(month: Month, place: _Place, x: float) -> str:
    """From the old model's value to the other's, in the colour of which is better."""
    top, bottom = sorted((place.y(month.measured), place.y(month.fresh)))
    return (
        f'<rect class="gap" x="{x - GAP_WIDTH / 2:.1f}" y="{top:.1f}" width="{GAP_WIDTH}" height="{bottom - top:.1f}" '
        f'fill="{COST if month.cost > 0 else SAVED}" fill-opacity="0.25"/>'
    )


def _line(months: Sequence[Month], place: _Place, value: Value, colour: str, *, dashed: bool = False) -> list[str]:
    points = [(place.x(number), value(month), month) for number, month in enumerate(months)]
    path = " ".join(f"{x:.1f},{place.y(found):.1f}" for x, found, _ in points)
    dashes = DASHES if dashed else ""
    dots = [
        f'<circle cx="{x:.1f}" cy="{place.y(found):.1f}" r="3.4" fill="{colour}">'
        f"<title>{escape(month.name)}: {found:.3f}</title></circle>"
        for x, found, month in points
    ]
    return [f'<polyline class="line" points="{path}" stroke="{colour}"{dashes}/>', *dots]


def _outcome(month: Month, x: float) -> str:
    y = HEIGHT - BOTTOM
    colour = OUTCOMES.get(month.outcome, OLD)
    return (
        f'<text x="{x:.1f}" y="{y + 22}" text-anchor="middle">{escape(month.name)}</text>'
        f'<rect x="{x - 30:.1f}" y="{y + 30}" width="60" height="18" rx="4" fill="{colour}"/>'
        f'<text class="small" x="{x:.1f}" y="{y + 43}" text-anchor="middle" style="fill:#ffffff">'
        f"{escape(month.outcome.replace('_', ' '))}</text>"
    )
