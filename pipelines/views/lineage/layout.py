"""Where the nodes of a lineage stand: columns by time, each node beside what it led to."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.views.lineage.graph import Edge, Graph, Node
from pipelines.views.lineage.tree import Forest, Told

COLUMN_GAP = 76
ROW_GAP = 16


@dataclass(frozen=True, kw_only=True)
class Box:
    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def middle(self) -> int:
        return self.top + self.height // 2


def place(graph: Graph, heights: Mapping[str, int], *, width: int) -> dict[str, Box]:
    """A box for every node; no two overlap, and every edge goes to the right."""
    layout = _Layout(graph, heights, width)
    aside = [node for node in graph.nodes.values() if layout.forest.is_aside(node) and node.id != graph.subject]
    top = 0
    for node in (*layout.forest.roots(), *aside):
        top += layout.block(node, top) + ROW_GAP
    return layout.boxes


def entries(graph: Graph, boxes: Mapping[str, Box]) -> dict[Edge, int]:
    """The height at which each edge reaches its target: spread, in the order of where they come from."""
    found = {}
    for identity, box in boxes.items():
        coming = sorted(
            (edge for edge in graph.edges if edge.target == identity), key=lambda edge: boxes[edge.source].middle
        )
        for number, edge in enumerate(coming, 1):
            found[edge] = box.top + box.height * number // (len(coming) + 1)
    return found


def columns(graph: Graph) -> dict[str, int]:
    """Each node one column to the right of the last of what led to it."""
    found: dict[str, int] = {}

    def column(identity: str) -> int:
        if identity not in found:
            found[identity] = 0
            found[identity] = max((column(node.id) + 1 for _, node in graph.before(identity)), default=0)
        return found[identity]

    for identity in graph.nodes:
        column(identity)
    return found


class _Layout:
    """Stacks subtrees: each node stands in the middle of the height that its own takes."""

    def __init__(self, graph: Graph, heights: Mapping[str, int], width: int) -> None:
        self.forest = Forest(graph)
        self.boxes: dict[str, Box] = {}
        self._heights, self._width, self._columns = heights, width, columns(graph)

    def block(self, node: Node, top: int) -> int:
        """Place a node and all that is told under it below ``top``; returns the height that they take."""
        height, own = self._height(node), self._heights[node.id]
        self.boxes[node.id] = Box(
            left=self._columns[node.id] * (self._width + COLUMN_GAP),
            top=top + (height - own) // 2,
            width=self._width,
            height=own,
        )
        # What the jobs made stands in columns of its own, and so beside the jobs.
        for stack in (self.forest.children(node), self.forest.made_by_jobs(node)):
            below = top + (height - self._stacked(stack)) // 2
            for _, child in stack:
                below += self.block(child, below) + ROW_GAP
        return height

    def _height(self, node: Node) -> int:
        stacks = (self.forest.children(node), self.forest.made_by_jobs(node))
        return max(self._heights[node.id], *map(self._stacked, stacks))

    def _stacked(self, stack: list[Told]) -> int:
        return sum(self._height(child) for _, child in stack) + ROW_GAP * max(len(stack) - 1, 0)
