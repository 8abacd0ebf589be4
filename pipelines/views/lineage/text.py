"""Renders a lineage as a tree of text: commits first, and below each what became of it."""

import textwrap
from collections.abc import Iterator

from pipelines.views.lineage.graph import Graph, Node
from pipelines.views.lineage.tree import Forest
from pipelines.views.lineage.wording import details, state, title

WIDTH = 120
SIDEWAYS = {"compared with": "compared with", "reproduced by": "reproduces", "triggered": "triggered by"}
"""Relations to a run from another node than its commit, each with the words for the way back from the run."""
NAMED = ("rewritten as", *SIDEWAYS)
"""Relations that the tree names; the titles show what the others are."""
MARKER = "  ◀ asked for"


def render(graph: Graph) -> str:
    """Return the whole lineage as text. Lines are at most ``WIDTH`` characters long where words allow it."""
    asked, forest = graph.nodes[graph.subject], Forest(graph)
    lines = [f"Lineage of {title(asked)} in {graph.environment}"]
    for root in forest.roots():
        lines += ["", *_branch(graph, forest, root, relation="", first="", rest="")]
    if asked.kind == "commit" and not any(node.kind == "run" for _, node in graph.after(asked.id)):
        lines += ["", "No run has used this commit."]
    return "\n".join(lines) + "\n"


def _branch(graph: Graph, forest: Forest, node: Node, *, relation: str, first: str, rest: str) -> Iterator[str]:
    """Yield the lines of a node and its subtree; ``first`` begins the first line and ``rest`` all others."""
    lead = f"{relation} " if relation in NAMED else ""
    yield f"{first}{lead}{title(node)}  {state(node)}".rstrip() + (MARKER if node.id == graph.subject else "")
    below = [*forest.children(node), *forest.made_by_jobs(node)]
    stem = f"{rest}{'│' if below else ' '}  "
    for line in [*details(node), *_sideways(graph, forest, node)]:
        yield from textwrap.wrap(
            line, WIDTH, initial_indent=stem, subsequent_indent=f"{stem}  ", break_long_words=False
        )
    for number, (edge, child) in enumerate(below, 1):
        corner, side = ("└─ ", "   ") if number == len(below) else ("├─ ", "│  ")
        yield from _branch(graph, forest, child, relation=edge.relation, first=f"{rest}{corner}", rest=f"{rest}{side}")


def _sideways(graph: Graph, forest: Forest, node: Node) -> Iterator[str]:
    """Yield lines on the nodes that a node is related to but that are not next to it in the tree."""
    for edge, other in graph.before(node.id):
        if edge.relation in SIDEWAYS and forest.parents[node.id] != edge:
            yield f"{SIDEWAYS[edge.relation]} {title(other)}"
    for edge, other in graph.after(node.id):
        if edge.relation in SIDEWAYS and forest.parents[other.id] != edge:
            yield f"{edge.relation} {title(other)}: {state(other)}"
