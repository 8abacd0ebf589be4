"""The graph of a lineage: what there is, as nodes, and what led to what, as edges in the direction of time."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1
KINDS = ("commit", "run", "job", "package", "release", "check", "quality", "endpoint")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One thing. ``id`` is unique in the graph and begins with its kind: ``commit:flights/3f2a…``.

    ``attributes`` are JSON values, as docs/reference/lineage.md lists them; ``missing`` says why some are not known.
    """

    kind: str
    id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    missing: str = ""

    @property
    def name(self) -> str:
        """The id without its kind."""
        return self.id.partition(":")[2]


@dataclass(frozen=True, kw_only=True)
class Edge:
    """``relation`` reads from the one to the other: commit "used by" run."""

    source: str
    target: str
    relation: str


@dataclass(kw_only=True)
class Graph:
    """``subject`` is the id of the node that was asked for. Built by ``add`` and ``link``, which may be repeated."""

    environment: str
    subject: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def add(self, kind: str, name: str, attributes: Mapping[str, Any] | None = None, *, missing: str = "") -> str:
        """Add a node and return its id; what is known of it already stays, unless there is more now."""
        identity = f"{kind}:{name}"
        known = self.nodes.get(identity)
        if known is None or len(attributes or {}) > len(known.attributes):
            self.nodes[identity] = Node(kind=kind, id=identity, attributes=dict(attributes or {}), missing=missing)
        return identity

    def link(self, source: str, relation: str, target: str) -> None:
        edge = Edge(source=source, target=target, relation=relation)
        if edge not in self.edges:
            self.edges.append(edge)

    def after(self, identity: str) -> Iterator[tuple[Edge, Node]]:
        """What a node led to, in the order in which it was found."""
        return ((edge, self.nodes[edge.target]) for edge in self.edges if edge.source == identity)

    def before(self, identity: str) -> Iterator[tuple[Edge, Node]]:
        """What led to a node."""
        return ((edge, self.nodes[edge.source]) for edge in self.edges if edge.target == identity)

    def roots(self) -> list[Node]:
        """The nodes that nothing led to."""
        led_to = {edge.target for edge in self.edges}
        return [node for node in self.nodes.values() if node.id not in led_to]

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]

    def to_document(self) -> dict[str, Any]:
        """The graph as JSON; ``format`` counts up when a field changes its meaning or goes."""
        return {
            "format": FORMAT,
            "environment": self.environment,
            "subject": self.subject,
            "nodes": [asdict(node) for node in self.nodes.values()],
            "edges": [asdict(edge) for edge in self.edges],
        }
