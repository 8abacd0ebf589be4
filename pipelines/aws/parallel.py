"""Runs many small calls at once, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

WORKERS = 16
"""Number of requests to S3 at a time: it hides S3's latency and fits one client's connections."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(act: Callable[[Item], Result], items: Iterable[Item], *, workers: int = WORKERS) -> Iterator[Result]:
    """Yield the results of ``act`` on every item, in no order; the first error stops it once the running calls end.

    The calling thread takes the items as they are needed, so their number costs no memory. One worker is that thread.
    """
    if workers == 1:
        yield from map(act, items)
        return
    waiting = iter(items)
    ended: SimpleQueue[Future[Result]] = SimpleQueue()
    with ThreadPoolExecutor(workers, thread_name_prefix="mooring") as pool:
        running: set[Future[Result]] = set()

        def start(count: int) -> None:
            for item in islice(waiting, count):
                future = pool.submit(act, item)
                running.add(future)
                future.add_done_callback(ended.put)

        try:
            start(4 * workers)
            while running:
                future = ended.get()
                running.discard(future)
                start(1)
                yield future.result()
        finally:
            for future in running:
                future.cancel()
