"""The graph as a forest: of the edges that lead to a node, the one under which it is told."""

from collections.abc import Mapping

from pipelines.views.lineage.graph import Edge, Graph, Node

TOLD_UNDER = (
    *("rewritten as", "used by", "ran", "made", "measured", "released by", "checked by", "serves at"),
    *("reproduced by", "compared with", "triggered"),
)
"""Relations, the strongest first."""
Told = tuple[Edge, Node]


class Forest:
    """What is told under what; a run's package stands beside its jobs, not below one of them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.told: Mapping[str, Edge] = _parents(graph)

    def roots(self) -> list[Node]:
        """Where telling begins. A package that is known only as the champion of a run is told with that run."""
        return [
            node
            for node in self._graph.nodes.values()
            if node.id not in self.told and (node.id == self._graph.subject or not self.is_aside(node))
        ]

    def is_aside(self, node: Node) -> bool:
        """Whether nothing led to a node here, and all that it led to is told under something else."""
        led_to = list(self._graph.after(node.id))
        return node.id not in self.told and bool(led_to) and not any(self._is_told(edge) for edge, _ in led_to)

    def children(self, node: Node) -> list[Told]:
        """What is told right under a node, of a run its jobs."""
        if node.kind == "job":
            return []
        return [(edge, child) for edge, child in self._graph.after(node.id) if self._is_told(edge)]

    def made_by_jobs(self, node: Node) -> list[Told]:
        """What the jobs of a run made."""
        return [
            (edge, made)
            for _, job in self.children(node)
            if job.kind == "job"
            for edge, made in self._graph.after(job.id)
            if self._is_told(edge)
        ]

    def _is_told(self, edge: Edge) -> bool:
        return self.told[edge.target] == edge


def _parents(graph: Graph) -> dict[str, Edge]:
    found: dict[str, Edge] = {}
    for edge in sorted(graph.edges, key=lambda edge: TOLD_UNDER.index(edge.relation)):
        found.setdefault(edge.target, edge)
    return found
