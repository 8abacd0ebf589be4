"""Landing: files that arrive under ``landing/<dataset>/`` become commits by themselves.

An event says only that it is worth a look; what is there is what the listing says. So an event may come twice, late, in
any order or not at all: the next look, at the latest the schedule's, finds what it was about.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pipelines.aws.clients import Services
from pipelines.aws.parallel import WORKERS
from pipelines.datasets.landing.batch import Batch, Landing, LandingFailedError
from pipelines.datasets.landing.landed_files import list_datasets, list_landed
from pipelines.datasets.landing.learners import learners
from pipelines.datasets.landing.lock import LandingLock
from pipelines.datasets.landing.reader import Watch


def _utc_now() -> datetime:
    return datetime.now(UTC)


def land(
    services: Services,
    *,
    now: Callable[[], datetime] = _utc_now,
    seconds: Callable[[], float] = time.monotonic,
    workers: int = WORKERS,
) -> list[dict[str, Any]]:
    """Commit whatever has landed; gives what became of each batch. ``seconds`` is a monotonic clock.

    Raises
    ------
    LandingFailedError
        Something went wrong with one dataset or more; the others' files were dealt with.
    """
    datasets = list_datasets(services.bucket("data"))
    if not datasets:
        return []
    by_dataset, watch, holder = learners(services), Watch(seconds), uuid4().hex
    batches: list[Batch] = []
    problems = []
    for name in datasets:
        turn = LandingLock(ledger=services.ledger, dataset=name, holder=holder, now=now)
        if not watch.may_begin() or not turn.take():
            continue
        landing = Landing(services=services, name=name, learners=by_dataset.get(name, []), watch=watch, workers=workers)
        try:
            batches.extend(_land_dataset(landing, turn, now))
        except Exception as error:
            # One dataset's trouble must not keep the others' files waiting.
            problems.append(f"{name}: {type(error).__name__}: {error}")
            turn.abandon()
    if problems:
        raise LandingFailedError("\n".join(problems))
    return [asdict(batch) for batch in batches]


def _land_dataset(landing: Landing, turn: LandingLock, now: Callable[[], datetime]) -> Iterator[Batch]:
    """Land batch after batch until it has taken all and nobody asks for another look, or time is over."""
    while landing.watch.may_begin():
        landed = list_landed(landing.data, landing.name)
        if batch := landing.land(landed, now()):
            yield batch
        if not landed.more and turn.give_back():
            return
    turn.abandon()
