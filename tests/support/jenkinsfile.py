"""A strict parser of declarative Jenkinsfiles: Jenkins' own linter needs a running Jenkins.

It knows the sections that Jenkins' documentation of Pipeline Syntax lists for each block, and refuses all others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*)|(?P<string>'''(?:\\.|[^\\])*?'''|'(?:\\.|[^\\'\n])*')|(?P<word>[A-Za-z]\w*)"
    r"|(?P<number>\d+)|(?P<mark>[{}()\[\]:,])",
    re.DOTALL,
)
SECTIONS: dict[str, set[str]] = {
    "": {"pipeline"},
    "pipeline": {"agent", "environment", "options", "parameters", "post", "stages", "tools", "triggers"},
    "stages": {"stage"},
    "stage": {"agent", "environment", "input", "options", "parallel", "post", "stages", "steps", "tools", "when"},
    "options": {"disableConcurrentBuilds", "timeout"},
    "when": {"beforeAgent", "beforeInput", "branch", "changeRequest"},
    "input": {"message", "ok", "submitter"},
    "post": {"always", "failure", "success"},
    "steps": {"sh", "withCredentials", "archiveArtifacts"},
    "always": {"sh", "withCredentials", "archiveArtifacts"},
    "withCredentials": {"sh"},
}
REQUIRED = {"pipeline": {"agent", "stages"}, "stage": {"steps"}, "stages": {"stage"}, "steps": {"sh"}}


@dataclass
class Block:
    """A section or a step; ``argument`` is its first string, or its word."""

    name: str
    argument: str = ""
    children: "list[Block]" = field(default_factory=list)

    def has(self, name: str) -> bool:
        return any(child.name == name for child in self.children)

    def child(self, name: str) -> "Block":
        return next(child for child in self.children if child.name == name)


def parse(text: str) -> list[Block]:
    """Return the blocks of a Jenkinsfile; raise ``ValueError`` for what is not declarative."""
    tokens = list(_tokens(text))
    blocks, place = _blocks(tokens, 0, "")
    if place != len(tokens):
        raise ValueError(f"unexpected {tokens[place][1]!r} after the pipeline")
    return blocks


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        if not found:
            raise ValueError(f"unexpected {text[place : place + 20]!r}")
        place = found.end()
        if found.lastgroup and found.lastgroup != "skip":
            yield found.lastgroup, found.group()


def _blocks(tokens: list[tuple[str, str]], place: int, parent: str) -> tuple[list[Block], int]:
    found: list[Block] = []
    while place < len(tokens) and tokens[place][1] != "}":
        kind, name = tokens[place]
        if kind != "word" or name not in SECTIONS[parent]:
            raise ValueError(f"{parent or 'the file'} has no section {name!r}")
        block, place = Block(name), place + 1
        depth = 0
        while place < len(tokens) and (depth or tokens[place][1] != "{"):
            kind, text = tokens[place]
            if not depth and (text == "}" or (kind == "word" and text in SECTIONS[parent])):
                break
            depth += (text in "([") - (text in ")]") if kind == "mark" else 0
            if not block.argument and kind in ("string", "word"):
                block.argument = text.strip("'")
            place += 1
        if place < len(tokens) and tokens[place][1] == "{":
            block.children, place = _blocks(tokens, place + 1, name)
            if place >= len(tokens):
                raise ValueError(f"{name} is not closed")
            place += 1
        if missing := REQUIRED.get(name, set()) - {child.name for child in block.children}:
            raise ValueError(f"{name} {block.argument} lacks {', '.join(sorted(missing))}")
        found.append(block)
    return found, place
