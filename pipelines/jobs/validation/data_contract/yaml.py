"""YAML with the line of every value, which a contract's errors name.

Plain words are read as in YAML 1.2: ``no`` and ``2013-01-01`` are text, ``1e5`` is a number. Text in quotes is text.
Keys are always text.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from pipelines.interface.codec import Json

Path = tuple[str | int, ...]
"""Keys and positions from the document's root to a value."""

MAX_VALUES = 100_000
MAX_DEPTH = 20
_CONSTANTS = {"null": None, "~": None, "": None, "true": True, "false": False}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MAX_WHOLE = 2**53
"""Largest number up to which a double holds every whole number."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Error in a file: its line, the place as a dotted path, and the text."""

    line: int
    place: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.place}: {self.text}" if self.place else f"line {self.line}: {self.text}"


class Document:
    """YAML file: its ``content``, the line of each value, and the problems found while reading."""

    def __init__(self, text: str) -> None:
        self.content: Json = None
        self.problems: list[Problem] = []
        self._lines: dict[Path, int] = {}
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            self.problems.append(Problem(line=_line_of(error), place="", text=_reason(error)))
            return
        except RecursionError:
            self.problems.append(Problem(line=1, place="", text="no YAML: the lists and objects are nested too deeply"))
            return
        if root is not None:
            self.content = self._value(root, ())

    def add(self, path: Path, text: str) -> None:
        """Note a problem of the value at ``path``; its line is that of the nearest value above if there is no value."""
        at = path
        while at not in self._lines and at:
            at = at[:-1]
        self.problems.append(Problem(line=self._lines.get(at, 1), place=dotted(path), text=text))

    def _value(self, node: yaml.Node, path: Path) -> Json:
        # Two names may share one value, and a value may contain itself: the limits end both.
        if len(self._lines) >= MAX_VALUES or len(path) > MAX_DEPTH:
            text = f"too many values, or too deep: at most {MAX_VALUES} values, nested at most {MAX_DEPTH} deep"
            if not any(problem.text == text for problem in self.problems):
                self.problems.append(Problem(line=node.start_mark.line + 1, place=dotted(path), text=text))
            return None
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, number)) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Mapping[str, Json]:
        found: dict[str, Json] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.add(path, "a key is text, not a list or an object")
                continue
            name, line = str(key.value), key.start_mark.line + 1
            if name in found:
                self.problems.append(Problem(line=line, place=dotted((*path, name)), text="the key occurs twice"))
            else:
                self._lines[*path, name] = line
                found[name] = self._value(value, (*path, name))
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> bool | int | float | str | None:
        text = str(node.value)
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.add(path, f"the tag {node.tag} is not allowed: remove it")
        if node.style is not None:
            return text
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if not _NUMBER.fullmatch(text):
            return text
        try:
            number = int(text)
        except ValueError:
            return float(text) if math.isfinite(float(text)) else text
        # A larger number stays text, and is refused where a number must be.
        return number if abs(number) <= _MAX_WHOLE else text


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as text.

    >>> dotted(("columns", "temp", "allowed", 0))
    'columns.temp.allowed[0]'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _line_of(error: yaml.YAMLError) -> int:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return mark.line + 1 if mark else 1


def _reason(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        return f"no YAML: {error.problem or error.context}"
    return f"no YAML: {str(error).splitlines()[0]}"
