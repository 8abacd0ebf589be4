"""Copies of unreadable traffic, in the capture bucket: no other bucket holds rows of traffic."""

import json
from collections.abc import Mapping
from contextlib import suppress

from pipelines.aws.s3 import Bucket, ExistsError

MAX_LINES = 1_000
"""Largest number of lines that are kept."""
MAX_LINE_BYTES = 4 << 10
"""Number of bytes that are kept of a line."""


class Quarantine:
    """First unreadable lines of a check, each with its file and the reason, and unchanged copies of damaged files.

    The check counts all of them; the original files keep the whole lines.
    """

    def __init__(self, bucket: Bucket, prefix: str, encryption: Mapping[str, str]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._encryption = dict(encryption)
        self._lines: list[dict[str, str]] = []

    def line(self, key: str, line: bytes, reason: str) -> None:
        """Keep a line, unless ``MAX_LINES`` are kept already."""
        if len(self._lines) < MAX_LINES:
            text = line[:MAX_LINE_BYTES].decode(errors="backslashreplace")
            self._lines.append({"file": key, "reason": reason, "line": text})

    def write(self, damaged: Mapping[str, str]) -> None:
        """Write the lines, and copy the ``damaged`` files, which map keys to reasons."""
        if self._lines:
            body = "".join(json.dumps(line) + "\n" for line in self._lines).encode()
            self._bucket.write(f"{self._prefix}lines.jsonl", body, **self._encryption)
        for key in damaged:
            # A check that runs again finds the copies of the first one.
            with suppress(ExistsError):
                self._bucket.copy_once(key, None, f"{self._prefix}files/{key}", **self._encryption)
