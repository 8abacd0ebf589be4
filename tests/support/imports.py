"""Finds the modules of this repository that a program imports, by reading the sources without running them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from infra.app import ROOT


def imported_by(module: str, roots: tuple[str, ...] = ("pipelines", "functions")) -> set[str]:
    """Return every module of ``roots`` that ``module`` imports, directly or not, itself and parents included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [each for each in _imports(name) if each.partition(".")[0] in roots]
            if "." in name:
                waiting.append(name.rpartition(".")[0])
    return found


def file_of(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split("."))
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path.relative_to(ROOT)
    return None


@cache
def _imports(module: str) -> frozenset[str]:
    path = file_of(module)
    assert path is not None, module
    return frozenset(name for name in _named(ast.parse((ROOT / path).read_text(encoding="utf-8"))) if file_of(name))


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
