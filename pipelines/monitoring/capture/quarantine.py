"""Copies of what the checker could not read, beside the traffic itself: rows are kept in the capture bucket only."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pipelines.aws.s3 import Bucket, ExistsError

MAX_LINES = 1_000
MAX_LINE_BYTES = 4 << 10


class Quarantine:
    """The first unreadable lines of a check, each with its file and the reason, and the damaged files as they came.

    All are counted in the check; the whole of each line stays in the file where it stands.
    """

    def __init__(self, bucket: Bucket, prefix: str, encryption: Mapping[str, str]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._encryption = dict(encryption)
        self._lines: list[dict[str, Any]] = []

    def line(self, key: str, line: bytes, reason: str) -> None:
        """Keep a line, while there is room for more."""
        if len(self._lines) < MAX_LINES:
            text = line[:MAX_LINE_BYTES].decode(errors="backslashreplace")
            self._lines.append({"file": key, "reason": reason, "line": text})

    def write(self, damaged: Mapping[str, str]) -> None:
        """Write the lines, and copy the ``damaged`` files, given as key and reason."""
        if self._lines:
            body = "".join(json.dumps(line) + "\n" for line in self._lines).encode()
            self._bucket.write(f"{self._prefix}lines.jsonl", body, **self._encryption)
        for key in damaged:
            # A check that is made again finds its copies there.
            with suppress(ExistsError):
                self._bucket.copy_once(key, None, f"{self._prefix}files/{key}", **self._encryption)
