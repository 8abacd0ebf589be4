"""Landing: commit the files that arrive under ``landing/<dataset>/``.

An event only starts a listing, and the listing says which files there are. So an event may come twice, late, in any
order or not at all: the next listing, at the latest the scheduled one, finds the file.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

from pipelines.aws.clients import Services
from pipelines.aws.parallel import WORKERS
from pipelines.aws.transient import persistently
from pipelines.datasets.landing.batch import Landing, LandingFailedError
from pipelines.datasets.landing.landed_files import MAX_FILES, list_datasets, list_landed
from pipelines.datasets.landing.learners import learners
from pipelines.datasets.landing.lock import LandingLock
from pipelines.datasets.landing.reader import SMALL_BYTES, Watch
from pipelines.interface import log
from pipelines.interface.records import LandingBatch

PATIENCE_S = 120
"""Seconds for which a dataset's throttled calls are repeated; the next run lists its files again."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def land(
    services: Services,
    *,
    now: Callable[[], datetime] = _utc_now,
    seconds: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    workers: int = WORKERS,
    max_files: int = MAX_FILES,
    small_bytes: int = SMALL_BYTES,
) -> tuple[LandingBatch, ...]:
    """Commit all files that have landed; return the batches.

    ``seconds`` is a monotonic clock. A batch has at most ``max_files`` files; those of at most ``small_bytes`` are read
    in parallel.

    Raises
    ------
    LandingFailedError
        One dataset or more failed; the others' files were dealt with.
    """
    datasets = list_datasets(services.bucket("data"))
    if not datasets:
        return ()
    by_dataset, watch, holder = learners(services), Watch(seconds), uuid4().hex
    batches: list[LandingBatch] = []
    problems = []
    for name in datasets:
        if not watch.may_begin():
            break
        lock = LandingLock(ledger=services.ledger, dataset=name, holder=holder, now=now)
        if not lock.take():
            log.info("another run holds the lock and lists again", dataset=name)
            continue
        landing = Landing(
            services=services,
            name=name,
            learners=by_dataset.get(name, []),
            watch=watch,
            workers=workers,
            small_bytes=small_bytes,
        )

        def land_dataset(landing: Landing = landing, lock: LandingLock = lock) -> None:
            batches.extend(_land_dataset(landing, lock, now, max_files))

        try:
            # Every step may be repeated: what was committed, recorded or erased is found so.
            persistently(land_dataset, for_s=PATIENCE_S, sleep=sleep, seconds=seconds)
        except Exception as error:
            # The failure of one dataset must not delay the files of the others.
            problems.append(f"{name}: {type(error).__name__}: {error}")
            lock.abandon()
    if problems:
        raise LandingFailedError("\n".join(problems))
    return tuple(batches)


def _land_dataset(
    landing: Landing, lock: LandingLock, now: Callable[[], datetime], max_files: int
) -> Iterator[LandingBatch]:
    """Land batch after batch until no file is left and no run asks for a listing, or the time is over."""
    while landing.watch.may_begin():
        landed = list_landed(landing.data, landing.name, max_files=max_files)
        if batch := landing.land(landed, now()):
            yield batch
        if not landed.more and lock.release():
            return
    lock.abandon()
