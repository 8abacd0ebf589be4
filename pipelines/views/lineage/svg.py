"""Renders a lineage as one self-contained SVG, with time from left to right."""

import textwrap
from dataclasses import dataclass

from pipelines.pages import svg
from pipelines.pages.markup import Markup, element, join
from pipelines.pages.palette import CARD_RULE, DESK, FOCUS, GOOD, LIGHT, QUIET
from pipelines.pages.svg import DASHES
from pipelines.pages.text import count_fitting, shorten
from pipelines.views.lineage import wording
from pipelines.views.lineage.figures import JOINT
from pipelines.views.lineage.graph import Edge, Graph, Node
from pipelines.views.lineage.layout import Box, entries, place
from pipelines.views.lineage.wording import details, state, title, tone

CARD_WIDTH = 256
PADDING = 10
STRIPE_WIDTH = 4
TEXT_WIDTH = CARD_WIDTH - 2 * PADDING - STRIPE_WIDTH
TITLE_HEIGHT = 20
TITLE_SIZE = 13
LINE_HEIGHT = 15
LINE_SIZE = 11
BOLD_EM = 0.68
"""Mean width of a bold character, in font sizes."""
MAX_LINES = 9
MARGIN = 24
HEADER = 46
LABELLED = ("compared with", "reproduced by", "triggered", "rewritten as")
"""Relations that the picture names; the cards show what the others are."""
COLOURS = {
    wording.GOOD: GOOD,
    wording.BAD: LIGHT.bad,
    wording.PENDING: LIGHT.warning_text,
    wording.QUIET: LIGHT.soft,
}
STYLE = f"""
.title {{ font-size: {TITLE_SIZE}px; font-weight: 600; }}
.state {{ font-weight: 600; text-anchor: end; }}
.label {{ font-size: 10px; fill: {LIGHT.soft}; text-anchor: end;
  paint-order: stroke; stroke: {DESK}; stroke-width: 4px; }}
.card {{ fill: {LIGHT.paper}; stroke: {CARD_RULE}; }}
.asked {{ stroke: {FOCUS}; stroke-width: 2.5; }}
.edge {{ fill: none; stroke: {QUIET}; stroke-width: 1.4; marker-end: url(#arrow); }}
.aside {{ stroke-dasharray: {DASHES}; }}
"""
ARROW = element(
    "defs",
    element(
        "marker",
        element("path", d="M0 0.5 L8 4 L0 7.5 z", fill=QUIET),
        id="arrow",
        viewBox="0 0 8 8",
        refX=7,
        refY=4,
        markerWidth=7,
        markerHeight=7,
        orient="auto",
    ),
)


@dataclass(frozen=True, kw_only=True)
class _Card:
    node: Node
    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        return PADDING + TITLE_HEIGHT + LINE_HEIGHT * len(self.lines) + PADDING // 2


def render(graph: Graph) -> str:
    """Return the picture of the whole graph."""
    cards = {node.id: _Card(node=node, lines=_lines(node)) for node in graph.nodes.values()}
    boxes = place(graph, {identity: card.height for identity, card in cards.items()}, width=CARD_WIDTH)
    heading = f"Lineage of {title(graph.nodes[graph.subject])} in {graph.environment}"
    edges = (_edge(edge, boxes[edge.source], boxes[edge.target], y) for edge, y in entries(graph, boxes).items())
    nodes = (_node(card, boxes[identity], asked=identity == graph.subject) for identity, card in cards.items())
    return svg.document(
        max(box.right for box in boxes.values()) + 2 * MARGIN,
        max(box.bottom for box in boxes.values()) + 2 * MARGIN + HEADER,
        ARROW,
        svg.text(MARGIN, MARGIN + 14, heading, class_="heading"),
        element("g", join((*edges, *nodes), "\n"), transform=f"translate({MARGIN} {MARGIN + HEADER})"),
        label=heading,
        style=STYLE,
        background=DESK,
    )


def _lines(node: Node) -> tuple[str, ...]:
    wrapped = [part for line in details(node) for part in _wrap(line)]
    if len(wrapped) > MAX_LINES:
        wrapped = [*wrapped[: MAX_LINES - 1], "…"]
    return tuple(wrapped)


def _wrap(line: str) -> list[str]:
    """Return a line of details as lines that fit: broken where its parts are joined, else within a part."""
    fitting = count_fitting(TEXT_WIDTH, LINE_SIZE)
    lines: list[str] = []
    for part in line.split(JOINT):
        if lines and len(lines[-1]) + len(JOINT) + len(part) <= fitting:
            lines[-1] += JOINT + part
        else:
            lines += textwrap.wrap(part, fitting)
    return lines


def _node(card: _Card, box: Box, *, asked: bool) -> Markup:
    colour = COLOURS[tone(card.node)]
    left, baseline = box.left + PADDING + STRIPE_WIDTH, box.top + PADDING + 11
    first_line = baseline + TITLE_HEIGHT - 2
    return element(
        "g",
        svg.rect(box.left, box.top, CARD_WIDTH, card.height, class_="card asked" if asked else "card", rx=6),
        svg.rect(box.left, box.top + 6, STRIPE_WIDTH, card.height - 12, rx=2, fill=colour),
        svg.text(left, baseline, _short_title(card.node), class_="title"),
        svg.text(box.right - PADDING, baseline, state(card.node), class_="state", style=f"fill:{colour}"),
        *(svg.text(left, first_line + LINE_HEIGHT * number, line) for number, line in enumerate(card.lines)),
    )


def _short_title(node: Node) -> str:
    """Return the title as far as it fits beside the state."""
    beside = (len(state(node)) + 1) * BOLD_EM * LINE_SIZE
    return shorten(title(node), int((TEXT_WIDTH - beside) / (BOLD_EM * TITLE_SIZE)))


def _edge(edge: Edge, source: Box, target: Box, y2: int) -> Markup:
    x1, y1, x2 = source.right, source.middle, target.left
    bend = max(24, (x2 - x1) // 2)
    curve = f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    if edge.relation not in LABELLED:
        return element("path", class_="edge", d=curve)
    label = svg.text(x2 - 8, y2 - 6, edge.relation, class_="label")
    return element("g", element("path", class_="edge aside", d=curve), label)
