"""The graph of a lineage: its nodes, and edges in the direction of time."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

from pipelines.interface.codec import Json
from pipelines.views.lineage.facts import Facts, to_attributes

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Node:
    """A thing of the lineage, with its facts. ``missing`` says which of them are missing or damaged, and why.

    ``id`` is unique in the graph: the kind and the name, as in ``commit:flights/3f2a…``.
    """

    id: str
    facts: Facts
    missing: str = ""

    @property
    def kind(self) -> str:
        return self.facts.KIND

    @property
    def name(self) -> str:
        """The id without its kind."""
        return self.id.partition(":")[2]

    @property
    def attributes(self) -> dict[str, Json]:
        """The facts as JSON values."""
        return to_attributes(self.facts)


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Two ids of nodes. ``relation`` reads from source to target: commit "used by" run."""

    source: str
    target: str
    relation: str


@dataclass(kw_only=True)
class Graph:
    """``subject`` is the id of the node that was asked for. ``add``, ``link`` and ``note`` may be repeated."""

    environment: str
    subject: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def add(self, name: str, facts: Facts, *, missing: str = "") -> str:
        """Add a node and return its id. A node that is there already stays, unless more is known now."""
        node = Node(id=f"{facts.KIND}:{name}", facts=facts, missing=missing)
        known = self.nodes.get(node.id)
        if known is None or len(node.attributes) > len(known.attributes):
            self.nodes[node.id] = node
        return node.id

    def link(self, source: str, relation: str, target: str) -> None:
        edge = Edge(source=source, target=target, relation=relation)
        if edge not in self.edges:
            self.edges.append(edge)

    def note(self, identity: str, text: str) -> None:
        """Add a text to what is missing or damaged of a node."""
        node = self.nodes[identity]
        if text not in node.missing:
            self.nodes[identity] = replace(node, missing=f"{node.missing}; {text}" if node.missing else text)

    def after(self, identity: str) -> Iterator[tuple[Edge, Node]]:
        """Yield the edges from a node with their targets, in the order in which they were found."""
        return ((edge, self.nodes[edge.target]) for edge in self.edges if edge.source == identity)

    def before(self, identity: str) -> Iterator[tuple[Edge, Node]]:
        """Yield the edges to a node with their sources, in the order in which they were found."""
        return ((edge, self.nodes[edge.source]) for edge in self.edges if edge.target == identity)

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]

    def to_document(self) -> dict[str, Json]:
        """Return the graph as a JSON object. ``format`` counts up when a field changes its meaning or is removed."""
        return {
            "format": FORMAT,
            "environment": self.environment,
            "subject": self.subject,
            "nodes": [
                {"kind": node.kind, "id": node.id, "attributes": node.attributes, "missing": node.missing}
                for node in self.nodes.values()
            ],
            "edges": [asdict(edge) for edge in self.edges],
        }
