"""Callers of an endpoint: one that sends a month of rows, and one that never stops asking."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipelines.models import flights

ROWS_PER_REQUEST = 250
SENDERS = 4
PAUSE_S = 0.1


def month_requests(month: int) -> tuple[str, list[str]]:
    """A month's flights as an application would ask about them: CSV header and rows, features only."""
    text = flights.month_rows(month)[flights.FEATURES].to_csv(index=False, lineterminator="\n")
    header, *rows = text.splitlines()
    return header, rows


def send(
    client: Any, endpoint: str, header: str, rows: Sequence[str], *, on_request: Callable[[int], None]
) -> list[str]:
    """Send CSV ``rows`` in requests of ``ROWS_PER_REQUEST``; returns one answer line a row, in order."""

    def invoke(start: int) -> list[str]:
        batch = rows[start : start + ROWS_PER_REQUEST]
        answer = client.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body="\n".join([header, *batch])
        )
        on_request(len(batch))
        return str(answer["Body"].read().decode()).strip().splitlines()

    with ThreadPoolExecutor(SENDERS) as pool:
        answers = pool.map(invoke, range(0, len(rows), ROWS_PER_REQUEST))
        return [line for lines in answers for line in lines]


@dataclass
class Caller:
    """Asks an endpoint for one prediction after another until it is told to stop, and counts what failed."""

    client: Any
    endpoint: str
    header: str
    rows: Sequence[str]
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Caller":
        self._thread = threading.Thread(target=self._ask, name="caller", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(timeout=30)

    def _ask(self) -> None:
        choose = random.Random(0)
        while not self._stop.wait(PAUSE_S):
            begun = time.monotonic()
            try:
                body = f"{self.header}\n{choose.choice(self.rows)}"
                answer = self.client.invoke_endpoint(
                    EndpointName=self.endpoint, ContentType="text/csv", Accept="text/csv", Body=body
                )
                answer["Body"].read()
                self.answered += 1
            except (BotoCoreError, ClientError) as error:
                self.failures.append(str(error))
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
