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


def month_labels(month: int, name: str) -> str:
    """What came true of a month's flights that were sent as ``name``: a file of labels, without cancelled flights."""
    late = flights.month_rows(month)["late"].dropna()
    lines = [
        f"{name}-{number // ROWS_PER_REQUEST},{number % ROWS_PER_REQUEST},{label}"
        for number, label in zip(late.index.tolist(), late.tolist(), strict=True)
    ]
    return "\n".join(["inference_id,row,label", *lines]) + "\n"


def send(
    client: Any, endpoint: str, header: str, rows: Sequence[str], *, name: str, on_request: Callable[[int], None]
) -> list[str]:
    """Send CSV ``rows`` in requests of ``ROWS_PER_REQUEST``; returns one answer line a row, in order.

    The requests' inference ids are ``name`` and the request's number, from 0.
    """

    def invoke(start: int) -> list[str]:
        batch = rows[start : start + ROWS_PER_REQUEST]
        answer = client.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="text/csv",
            Accept="text/csv",
            Body="\n".join([header, *batch]),
            InferenceId=f"{name}-{start // ROWS_PER_REQUEST}",
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
