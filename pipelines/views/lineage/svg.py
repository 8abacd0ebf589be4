"""A lineage as a picture: one self-contained SVG, time from left to right."""

import textwrap
from dataclasses import dataclass
from xml.sax.saxutils import escape

from pipelines.views.lineage.figures import JOINT
from pipelines.views.lineage.graph import Edge, Graph, Node
from pipelines.views.lineage.layout import Box, entries, place
from pipelines.views.lineage.wording import BAD, GOOD, PENDING, QUIET, details, state, title, tone

CARD_WIDTH = 256
PADDING = 10
TITLE_HEIGHT = 20
LINE_HEIGHT = 15
LINE_CHARACTERS = 42
TITLE_CHARACTERS = 32
MAX_LINES = 9
MARGIN = 24
HEADER = 46
LABELLED = ("compared with", "reproduced by", "triggered", "rewritten as")
"""Relations that the picture names: of the others the cards say what they are."""
COLOURS = {GOOD: "#1a7f4b", BAD: "#b42318", PENDING: "#a15c00", QUIET: "#51606f"}
STYLE = """
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 11px; fill: #24313d; }
.heading { font-size: 17px; font-weight: 600; }
.title { font-size: 13px; font-weight: 600; }
.state { font-weight: 600; text-anchor: end; }
.label { font-size: 10px; fill: #51606f; text-anchor: end; paint-order: stroke; stroke: #f4f6f8; stroke-width: 4px; }
.card { fill: #ffffff; stroke: #c3ccd5; }
.asked { stroke: #1d5fbf; stroke-width: 2.5; }
.edge { fill: none; stroke: #8d9aa7; stroke-width: 1.4; marker-end: url(#arrow); }
.aside { stroke-dasharray: 5 4; }
"""


@dataclass(frozen=True, kw_only=True)
class _Card:
    node: Node
    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        return PADDING + TITLE_HEIGHT + LINE_HEIGHT * len(self.lines) + PADDING // 2


def render(graph: Graph) -> str:
    """The whole graph; whatever a node's attributes hold, the picture stays a picture."""
    cards = {node.id: _Card(node=node, lines=_lines(node)) for node in graph.nodes.values()}
    boxes = place(graph, {identity: card.height for identity, card in cards.items()}, width=CARD_WIDTH)
    width = max(box.right for box in boxes.values()) + 2 * MARGIN
    height = max(box.bottom for box in boxes.values()) + 2 * MARGIN + HEADER
    heading = f"Lineage of {title(graph.nodes[graph.subject])} in {graph.environment}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{_plain(heading)}">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0.5 L8 4 L0 7.5 z" fill="#8d9aa7"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#f4f6f8"/>',
        f'<text class="heading" x="{MARGIN}" y="{MARGIN + 14}">{_plain(heading)}</text>',
        f'<g transform="translate({MARGIN} {MARGIN + HEADER})">',
        *(_edge(edge, boxes[edge.source], boxes[edge.target], y) for edge, y in entries(graph, boxes).items()),
        *(_drawn(card, boxes[identity], asked=identity == graph.subject) for identity, card in cards.items()),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _lines(node: Node) -> tuple[str, ...]:
    wrapped = [part for line in details(node) for part in _wrapped(line)]
    if len(wrapped) > MAX_LINES:
        wrapped = [*wrapped[: MAX_LINES - 1], "…"]
    return tuple(wrapped)


def _wrapped(line: str) -> list[str]:
    """A line of details broken where its parts are joined, and within a part only if it must."""
    lines: list[str] = []
    for part in line.split(JOINT):
        if lines and len(lines[-1]) + len(JOINT) + len(part) <= LINE_CHARACTERS:
            lines[-1] += JOINT + part
        else:
            lines += textwrap.wrap(part, LINE_CHARACTERS)
    return lines


def _drawn(card: _Card, box: Box, *, asked: bool) -> str:
    colour = COLOURS[tone(card.node)]
    y = box.top + PADDING + 11
    how = _plain(state(card.node))
    said = [
        f'<rect class="card{" asked" if asked else ""}" x="{box.left}" y="{box.top}" width="{CARD_WIDTH}" '
        f'height="{card.height}" rx="6"/>',
        f'<rect x="{box.left}" y="{box.top + 6}" width="4" height="{card.height - 12}" rx="2" fill="{colour}"/>',
        f'<text class="title" x="{box.left + PADDING + 4}" y="{y}">{_plain(_shortened(card.node))}</text>',
        f'<text class="state" x="{box.right - PADDING}" y="{y}" style="fill:{colour}">{how}</text>',
    ]
    for number, line in enumerate(card.lines):
        below = y + TITLE_HEIGHT - 2 + LINE_HEIGHT * number
        said.append(f'<text x="{box.left + PADDING + 4}" y="{below}">{_plain(line)}</text>')
    return "\n".join(said)


def _shortened(node: Node) -> str:
    """The title as far as it fits beside the state."""
    room = TITLE_CHARACTERS - len(state(node))
    text = title(node)
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _edge(edge: Edge, source: Box, target: Box, y2: int) -> str:
    x1, y1, x2 = source.right, source.middle, target.left
    bend = max(24, (x2 - x1) // 2)
    aside = " aside" if edge.relation in LABELLED else ""
    path = f'<path class="edge{aside}" d="M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"/>'
    if not aside:
        return path
    return f'{path}\n<text class="label" x="{x2 - 8}" y="{y2 - 6}">{_plain(edge.relation)}</text>'


def _plain(text: str) -> str:
    return escape(text, {'"': "&quot;"})
