"""Captured files by hour, and how they are read in batches that no order of arrival changes."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pipelines.aws.s3 import ListedObject

BATCH_BYTES = 512 << 20
"""About a million records, and a few seconds of one core."""


def hours(begin: datetime, end: datetime) -> Iterator[str]:
    """The hours between two moments as folders, ``yyyy/mm/dd/hh``."""
    hour = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour < end:
        yield f"{hour:%Y/%m/%d/%H}"
        hour += timedelta(hours=1)


def fingerprint(files: Sequence[ListedObject]) -> str:
    """16 hexadecimal digits that change when a file comes, goes or is written anew."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda each: each.key):
        digest.update(f"{file.key} {file.etag}\n".encode())
    return digest.hexdigest()[:16]


def batches(files: Sequence[ListedObject]) -> list[list[ListedObject]]:
    """The files in pieces of one variant and hour, each of at most ``BATCH_BYTES`` unless one file alone is larger.

    An event that was captured twice is recognised within a batch. Whoever reads the batches, one after another or
    many at once, counts the same.
    """
    found: list[list[ListedObject]] = []
    folder, size = "", 0
    for file in sorted(files, key=lambda each: each.key):
        its_folder = file.key.rpartition("/")[0]
        if not found or its_folder != folder or size + file.size_bytes > BATCH_BYTES:
            found.append([])
            folder, size = its_folder, 0
        found[-1].append(file)
        size += file.size_bytes
    return found
