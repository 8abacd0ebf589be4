"""Clients of a process that crashes at a call that the test chooses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class DiedError(Exception):
    """Crash of the process."""


@dataclass
class Client:
    """A boto3 client that calls ``hook`` before every call of these operations."""

    inner: Any
    hook: Callable[[], None]
    operations: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in self.operations:
            return found

        def call(**request: Any) -> Any:
            self.hook()
            return found(**request)

        return call


@dataclass
class Dying:
    """Hook that fails before the write of this number, and before every later one, as in a crashed process."""

    number: int
    count: int = 0

    def __call__(self) -> None:
        self.count += 1
        if self.count >= self.number:
            raise DiedError
