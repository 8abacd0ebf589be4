"""Places the nodes of a lineage: in columns by time, each node beside the nodes that it led to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.views.lineage.graph import Edge, Graph, Node
from pipelines.views.lineage.tree import Forest

COLUMN_GAP = 88
"""Pixels between two columns: an edge's label fits in."""
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
    """Return a box for every node. No two boxes overlap, and every edge goes to the right."""
    layout = _Layout(graph, heights, width)
    aside = [node for node in graph.nodes.values() if layout.forest.is_aside(node) and node.id != graph.subject]
    top = 0
    for node in (*layout.forest.roots(), *aside):
        top += layout.place_subtree(node, top) + ROW_GAP
    return layout.boxes


def entries(graph: Graph, boxes: Mapping[str, Box]) -> dict[Edge, int]:
    """Return the height at which each edge reaches its target.

    Edges to the same target are spread over its box, in the order of their sources' heights.
    """
    found = {}
    for identity, box in boxes.items():
        incoming = sorted(
            (edge for edge in graph.edges if edge.target == identity), key=lambda edge: boxes[edge.source].middle
        )
        for number, edge in enumerate(incoming, 1):
            found[edge] = box.top + box.height * number // (len(incoming) + 1)
    return found


def columns(graph: Graph) -> dict[str, int]:
    """Return each node's column: one to the right of the rightmost node that led to it."""
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
    """Layout in progress. Subtrees are stacked, and each node stands in the middle of its subtree's height."""

    def __init__(self, graph: Graph, heights: Mapping[str, int], width: int) -> None:
        self.forest = Forest(graph)
        self.boxes: dict[str, Box] = {}
        self._heights, self._width, self._columns = heights, width, columns(graph)

    def place_subtree(self, node: Node, top: int) -> int:
        """Place a node and its subtree below ``top``, and return their height."""
        height, own = self._height(node), self._heights[node.id]
        self.boxes[node.id] = Box(
            left=self._columns[node.id] * (self._width + COLUMN_GAP),
            top=top + (height - own) // 2,
            width=self._width,
            height=own,
        )
        # The products of a run's jobs are in later columns than the jobs, so the two stacks stand side by side.
        for stack in (self.forest.children(node), self.forest.made_by_jobs(node)):
            below = top + (height - self._stack_height(stack)) // 2
            for _, child in stack:
                below += self.place_subtree(child, below) + ROW_GAP
        return height

    def _height(self, node: Node) -> int:
        stacks = (self.forest.children(node), self.forest.made_by_jobs(node))
        return max(self._heights[node.id], *map(self._stack_height, stacks))

    def _stack_height(self, stack: Sequence[tuple[Edge, Node]]) -> int:
        return sum(self._height(child) for _, child in stack) + ROW_GAP * max(len(stack) - 1, 0)
