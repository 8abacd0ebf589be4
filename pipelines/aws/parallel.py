"""Many small acts at once, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

WORKERS = 16
"""Requests to S3 at a time: enough to hide its latency, few enough for one client's connections."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(act: Callable[[Item], Result], items: Iterable[Item], *, workers: int = WORKERS) -> Iterator[Result]:
    """The results of ``act`` on every item, in no order; the first error ends it, once what runs has ended.

    Items are taken as they are needed, by this thread, so their number costs no memory. One worker means this thread.
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
