"""Ship a process's output to CloudWatch Logs, under the role of a job or build as on AWS."""

import contextlib
import logging
import threading
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mooring.embedded.sessions import RoleSession

logger = logging.getLogger("mooring.joblog")

_EVERY_S = 1.0
_MAX_EVENT = 250_000
_MAX_BATCH = 1_000


class LogShipper:
    """Thread that follows a file and puts its lines into a log stream until ``close``.

    If the role may not write logs, it logs one warning and ends. ``failure`` has the reason why lines are missing.
    """

    def __init__(self, session: RoleSession, file: Path, *, group: str, stream: str) -> None:
        self._session = session
        self._file = file
        self._names = {"logGroupName": group, "logStreamName": stream}
        self.failure = ""
        self._offset = 0
        self._closed = threading.Event()
        self._client: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"logs-{stream}")
        self._thread.start()

    def close(self, timeout_s: float = 10.0) -> None:
        """Ship the lines that are left and end the thread."""
        self._closed.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self.failure = f"the last lines were not written within {timeout_s:.0f} s"

    def _run(self) -> None:
        try:
            last = False
            while not last:
                last = self._closed.wait(_EVERY_S)
                self._ship(complete=last)
        except (ClientError, BotoCoreError) as error:
            self.failure = str(error)
            logger.warning("no logs in %s: %s", self._names["logGroupName"], error)

    def _ship(self, *, complete: bool) -> None:
        if not self._file.exists():
            return
        with self._file.open("rb") as source:
            source.seek(self._offset)
            data = source.read()
        end = len(data) if complete else data.rfind(b"\n") + 1
        self._offset += end
        lines = [line[:_MAX_EVENT] for line in data[:end].decode("utf-8", "replace").splitlines() if line.strip()]
        for start in range(0, len(lines), _MAX_BATCH):
            self._put(lines[start : start + _MAX_BATCH])

    def _put(self, lines: list[str]) -> None:
        if self._client is None:
            self._client = self._session.client("logs")
            create_stream(self._client, **self._names)
        stamp = int(time.time() * 1000)
        self._client.put_log_events(**self._names, logEvents=[{"timestamp": stamp, "message": line} for line in lines])


def create_stream(client: Any, *, logGroupName: str, logStreamName: str) -> None:  # noqa: N803 - names of the API
    """Create a log stream, and its group if there is none; do nothing if the stream exists."""
    names = {"logGroupName": logGroupName, "logStreamName": logStreamName}
    exists = client.exceptions.ResourceAlreadyExistsException
    with contextlib.suppress(exists):
        try:
            client.create_log_stream(**names)
        except client.exceptions.ResourceNotFoundException:
            with contextlib.suppress(exists):  # another job or build has just created it
                client.create_log_group(logGroupName=logGroupName)
            client.create_log_stream(**names)
