"""Errors of a fleet's file: each with its path, the value, and what is allowed."""

from dataclasses import dataclass
from typing import Any

LONGEST_VALUE = 80
"""Characters of a value that an error shows."""


@dataclass(frozen=True)
class Problem:
    """One error of the file: where it stands, what was given, what is allowed."""

    path: str
    value: Any
    allowed: str

    def __str__(self) -> str:
        value = repr(self.value)
        shown = value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"
        return f"{self.path}: {shown}; allowed: {self.allowed}"


class FleetError(ValueError):
    """The fleet's file is not a fleet; the message lists every problem."""

    def __init__(self, problems: list[Problem], source: str = "fleet") -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {problem}" for problem in problems)]))
