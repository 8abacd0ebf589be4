"""Whose call comes next is the test's decision: actors in threads that run one at a time, from call to call."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


class CrashError(BaseException):
    """The process dies here: nothing that catches errors catches this."""


@dataclass
class Turns:
    """``order`` decides: at each point where all actors wait, the next number picks one of them."""

    order: Sequence[int]
    waiting: set[str] = field(default_factory=set)
    alive: set[str] = field(default_factory=set)
    chosen: str | None = None
    taken: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    failures: list[BaseException] = field(default_factory=list)

    def run(self, actors: dict[str, Callable[[], None]]) -> None:
        """Run all actors to their ends; raises the first failure that is no crash."""
        self.alive = set(actors)
        threads = [threading.Thread(target=self._act, args=entry) for entry in actors.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in self.failures:
            raise failure

    def take(self, actor: str) -> None:
        """Wait for the actor's turn."""
        with self.changed:
            self.waiting.add(actor)
            self._choose()
            self.changed.wait_for(lambda: self.chosen == actor)
            self.waiting.discard(actor)
            self.chosen = None

    def _choose(self) -> None:
        if self.chosen is None and self.waiting and self.waiting == self.alive:
            actors = sorted(self.waiting)
            number = self.order[self.taken] if self.taken < len(self.order) else self.taken
            self.taken += 1
            self.chosen = actors[number % len(actors)]
            self.changed.notify_all()

    def _act(self, actor: str, act: Callable[[], None]) -> None:
        try:
            act()
        except CrashError:
            pass
        except BaseException as failure:
            self.failures.append(failure)
        finally:
            with self.changed:
                self.alive.discard(actor)
                self._choose()


@dataclass
class CrashAt:
    """A hook that dies at the ``number``-th point, before or after a call's effect; never if it is None."""

    number: int | None
    passed: int = 0

    def __call__(self, point: str) -> None:
        self.passed += 1
        if self.number is not None and self.passed > self.number:
            raise CrashError(point)
