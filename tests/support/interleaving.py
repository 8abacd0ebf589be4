"""Interleavings and crashes that a test chooses: actors in threads that run one at a time, from call to call."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


class CrashError(BaseException):
    """Crash of the process: no handler of errors catches it."""


@dataclass
class Interleaving:
    """Scheduler of actors. Whenever all of them wait, the next number of ``order`` picks the one that goes on."""

    order: Sequence[int]
    waiting: set[str] = field(default_factory=set)
    alive: set[str] = field(default_factory=set)
    chosen: str | None = None
    picked: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    failures: list[BaseException] = field(default_factory=list)

    def run(self, actors: dict[str, Callable[[], None]]) -> None:
        """Run all actors to their ends; raise the first failure that is no crash."""
        self.alive = set(actors)
        threads = [threading.Thread(target=self._act, args=entry) for entry in actors.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in self.failures:
            raise failure

    def wait(self, actor: str) -> None:
        """Wait until the actor is picked."""
        with self.changed:
            self.waiting.add(actor)
            self._choose()
            self.changed.wait_for(lambda: self.chosen == actor)
            self.waiting.discard(actor)
            self.chosen = None

    def _choose(self) -> None:
        if self.chosen is None and self.waiting and self.waiting == self.alive:
            actors = sorted(self.waiting)
            number = self.order[self.picked] if self.picked < len(self.order) else self.picked
            self.picked += 1
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
    """Hook that crashes at the ``number``-th point, before or after a call's effect; never if it is None."""

    number: int | None
    passed: int = 0

    def __call__(self, point: str) -> None:
        self.passed += 1
        if self.number is not None and self.passed > self.number:
            raise CrashError(point)
