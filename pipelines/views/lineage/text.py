"""A lineage as a tree of text: commits first, and below each what became of it."""

import textwrap
from collections.abc import Iterator

from pipelines.views.lineage.graph import Graph, Node
from pipelines.views.lineage.tree import Forest
from pipelines.views.lineage.wording import details, state, title

WIDTH = 120
SIDEWAYS = {"compared with": "compared with", "reproduced by": "reproduces", "triggered": "triggered by"}
"""Relations that lead to a run besides its commit, and how the run says them where they are not the tree's own."""
MARKER = "  ◀ asked for"


def render(graph: Graph) -> str:
    """The whole lineage; lines are at most ``WIDTH`` characters where words allow it."""
    asked, forest = graph.nodes[graph.subject], Forest(graph)
    lines = [f"Lineage of {title(asked)} in {graph.environment}"]
    for root in forest.roots():
        lines += ["", *_branch(graph, forest, root, relation="", first="", rest="")]
    if asked.kind == "commit" and not any(node.kind == "run" for _, node in graph.after(asked.id)):
        lines += ["", "No run has used this commit."]
    return "\n".join(lines) + "\n"


def _branch(graph: Graph, forest: Forest, node: Node, *, relation: str, first: str, rest: str) -> Iterator[str]:
    """A node and what is told under it; ``first`` and ``rest`` begin its first and its other lines."""
    lead = f"{relation} " if relation in ("rewritten as", *SIDEWAYS) else ""
    yield f"{first}{lead}{title(node)}  {state(node)}".rstrip() + (MARKER if node.id == graph.subject else "")
    below = [*forest.children(node), *forest.made_by_jobs(node)]
    stem = f"{rest}{'│' if below else ' '}  "
    for line in [*details(node), *_asides(graph, forest, node)]:
        yield from textwrap.wrap(
            line, WIDTH, initial_indent=stem, subsequent_indent=f"{stem}  ", break_long_words=False
        )
    for number, (edge, child) in enumerate(below, 1):
        corner, side = ("└─ ", "   ") if number == len(below) else ("├─ ", "│  ")
        yield from _branch(graph, forest, child, relation=edge.relation, first=f"{rest}{corner}", rest=f"{rest}{side}")


def _asides(graph: Graph, forest: Forest, node: Node) -> Iterator[str]:
    """What a node has to do with others that are told elsewhere."""
    for edge, other in graph.before(node.id):
        if edge.relation in SIDEWAYS and forest.told[node.id] != edge:
            yield f"{SIDEWAYS[edge.relation]} {title(other)}"
    for edge, other in graph.after(node.id):
        if edge.relation in SIDEWAYS and forest.told[other.id] != edge:
            yield f"{edge.relation} {title(other)}: {state(other)}"
