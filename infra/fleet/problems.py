"""The errors of a fleet's file: each has its path, the value and what is allowed."""

from dataclasses import dataclass
from typing import Any

LONGEST_VALUE = 80
"""Largest number of characters of a value that an error shows."""


@dataclass(frozen=True)
class Problem:
    """One error of the file: its path, the value given, and what is allowed."""

    path: str
    value: Any
    allowed: str

    def __str__(self) -> str:
        value = repr(self.value)
        shown = value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"
        return f"{self.path}: {shown}; allowed: {self.allowed}"


class FleetError(ValueError):
    """The fleet's file has problems; the message lists all of them."""

    def __init__(self, problems: list[Problem], source: str = "fleet") -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {problem}" for problem in problems)]))
