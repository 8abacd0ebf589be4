"""The year as a picture: one self-contained SVG of the old model, the retrained ones and the estimate, by month."""

from collections.abc import Callable, Sequence
from html import escape

from mooring.demo.month import Month

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 96, 62
STEP = 0.05
"""Between two lines of the scale, in area under the curve."""
OLD, NEW, ESTIMATED, GAP = "#51606f", "#1a7f4b", "#a15c00", "#1a7f4b"
OUTCOMES = {"drift": "#b42318", "warning": "#d9a03c", "stable": "#8d9aa7"}
STYLE = """
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 12px; fill: #24313d; }
.heading { font-size: 16px; font-weight: 600; }
.small { font-size: 11px; fill: #51606f; }
.line { fill: none; stroke-width: 2.4; stroke-linejoin: round; }
"""

Value = Callable[[Month], float]


def render(months: Sequence[Month], *, model: str) -> str:
    """Lines of the three areas under the curve, the gap between old and retrained shaded, each month's outcome below.

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
        _gap(months, place),
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
    entries = (
        (OLD, "", "the old model, labels joined"),
        (ESTIMATED, "6 4", "the old model, estimated without labels"),
        (NEW, "", "retrained on the three months before"),
    )
    drawn, x = [], LEFT
    for colour, dashes, text in entries:
        drawn.append(
            f'<line x1="{x}" x2="{x + 22}" y1="52" y2="52" stroke="{colour}" stroke-width="2.4" '
            f'stroke-dasharray="{dashes}"/><text x="{x + 28}" y="56">{text}</text>'
        )
        x += 210 + 35 * bool(dashes)
    drawn.append(f'<rect x="{LEFT}" y="64" width="22" height="12" fill="{GAP}" fill-opacity="0.14"/>')
    drawn.append(f'<text x="{LEFT + 28}" y="74">the gap: what drift costs</text>')
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


def _gap(months: Sequence[Month], place: _Place) -> str:
    """The surface between the old and the retrained model's lines."""
    numbered = list(enumerate(months))
    above = [f"{place.x(number):.1f},{place.y(month.fresh):.1f}" for number, month in numbered]
    below = [f"{place.x(number):.1f},{place.y(month.measured):.1f}" for number, month in reversed(numbered)]
    return f'<polygon points="{" ".join([*above, *below])}" fill="{GAP}" fill-opacity="0.14"/>'


def _line(months: Sequence[Month], place: _Place, value: Value, colour: str, *, dashed: bool = False) -> list[str]:
    points = [(place.x(number), value(month), month) for number, month in enumerate(months)]
    path = " ".join(f"{x:.1f},{place.y(found):.1f}" for x, found, _ in points)
    dashes = ' stroke-dasharray="6 4"' if dashed else ""
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
