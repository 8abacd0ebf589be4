"""The graph of a lineage as a forest: each node has at most one parent, the source of its strongest edge."""

from collections.abc import Mapping

from pipelines.views.lineage.graph import Edge, Graph, Node

RELATIONS = (
    *("rewritten as", "used by", "ran", "made", "measured", "released by", "checked by", "serves at"),
    *("reproduced by", "compared with", "triggered"),
)
"""All relations of edges, the strongest first."""


class Forest:
    """Parents and children of the nodes. ``parents`` holds the edge from the parent by the child's id.

    The products of a run's jobs are children of the run, beside the jobs.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.parents: Mapping[str, Edge] = _parents(graph)

    def roots(self) -> list[Node]:
        """Return the nodes without a parent, except those that stand aside."""
        return [
            node
            for node in self._graph.nodes.values()
            if node.id not in self.parents and (node.id == self._graph.subject or not self.is_aside(node))
        ]

    def is_aside(self, node: Node) -> bool:
        """Return whether a node has edges, but neither a parent nor children: a run's champion, for instance."""
        edges = [edge for edge, _ in self._graph.after(node.id)]
        return node.id not in self.parents and bool(edges) and not any(map(self._is_parent, edges))

    def children(self, node: Node) -> list[tuple[Edge, Node]]:
        """Return a node's children with the edges to them, without the products of its jobs."""
        if node.kind == "job":
            return []
        return [(edge, child) for edge, child in self._graph.after(node.id) if self._is_parent(edge)]

    def made_by_jobs(self, node: Node) -> list[tuple[Edge, Node]]:
        """Return the products of a run's jobs with the edges to them."""
        return [
            (edge, made)
            for _, job in self.children(node)
            if job.kind == "job"
            for edge, made in self._graph.after(job.id)
            if self._is_parent(edge)
        ]

    def _is_parent(self, edge: Edge) -> bool:
        return self.parents[edge.target] == edge


def _parents(graph: Graph) -> dict[str, Edge]:
    found: dict[str, Edge] = {}
    for edge in sorted(graph.edges, key=lambda edge: RELATIONS.index(edge.relation)):
        found.setdefault(edge.target, edge)
    return found
