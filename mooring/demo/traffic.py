"""The demo's traffic: the months of the example flights, and a caller that sends requests all the time."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from mooring.traffic import labels_file
from pipelines.aws.client import Client
from pipelines.models import flights

PAUSE_S = 0.1


def month_requests(month: int) -> tuple[str, list[str]]:
    """Return a month's flights as CSV header and rows with the features only, as an application sends them."""
    text = flights.month_rows(month)[flights.FEATURES].to_csv(index=False, lineterminator="\n")
    header, *rows = text.splitlines()
    return header, rows


def month_labels(month: int, name: str) -> str:
    """Return a file of labels of a month's flights that were sent as ``name``; cancelled flights have none."""
    late = flights.month_rows(month)["late"]
    return labels_file(name, {row: str(label) for row, label in enumerate(late) if not pd.isna(label)})


@dataclass
class Caller:
    """Caller that requests one prediction after another without retries, and records answers and failures."""

    client: Client
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
