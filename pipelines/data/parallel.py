"""Many small acts at once, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

WORKERS = 16
"""Requests to S3 at a time: enough to hide its latency, few enough for one client's connections."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(act: Callable[[Item], Result], items: Iterable[Item], *, workers: int = WORKERS) -> Iterator[Result]:
    """The results of ``act`` on every item, in no order; the first error ends it, once what runs has ended.

    Items are taken as they are needed, so their number costs no memory. One worker means this thread.
    """
    if workers == 1:
        yield from map(act, items)
        return
    waiting = iter(items)
    with ThreadPoolExecutor(workers, thread_name_prefix="mooring") as pool:
        running: set[Future[Result]] = {pool.submit(act, item) for item in islice(waiting, 4 * workers)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(act, item) for item in islice(waiting, len(done))}
                for future in done:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()
