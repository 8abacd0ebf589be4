"""Captured files by hour, and in batches that do not depend on the order of arrival."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pipelines.aws.s3 import ListedObject

BATCH_BYTES = 512 << 20
"""Largest batch: about a million records, and a few seconds of one core."""


def hours(begin: datetime, end: datetime) -> Iterator[str]:
    """Yield the hours between two moments as folders, ``yyyy/mm/dd/hh``.

    >>> list(hours(datetime(2026, 3, 1, 11, 30, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC)))
    ['2026/03/01/11', '2026/03/01/12']
    """
    hour = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour < end:
        yield f"{hour:%Y/%m/%d/%H}"
        hour += timedelta(hours=1)


def fingerprint(files: Sequence[ListedObject]) -> str:
    """Return 16 hexadecimal digits that change when a file comes, goes or is written again."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda each: each.key):
        digest.update(f"{file.key} {file.etag}\n".encode())
    return digest.hexdigest()[:16]


def batches(files: Sequence[ListedObject], batch_bytes: int = BATCH_BYTES) -> list[list[ListedObject]]:
    """Return the files in batches of one variant and hour, each of at most ``batch_bytes``.

    A single larger file is a batch by itself. An event that was captured twice is recognised within its batch, so the
    counts are the same whether one function reads all batches or many functions read one each.
    """
    found: list[list[ListedObject]] = []
    folder, size = "", 0
    for file in sorted(files, key=lambda each: each.key):
        its_folder = file.key.rpartition("/")[0]
        if not found or its_folder != folder or size + file.size_bytes > batch_bytes:
            found.append([])
            folder, size = its_folder, 0
        found[-1].append(file)
        size += file.size_bytes
    return found
