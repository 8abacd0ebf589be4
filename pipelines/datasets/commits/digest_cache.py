"""Digests remembered between two commits, so that what did not change is not read again.

As git's index does: a file whose inode, size, time of modification and time of change (which no program can set) are
those that it had when it was hashed, still has the content that was hashed. A file that changed less than two seconds
before it was hashed, or while it was, is not remembered, since a later change might leave the same times. Pages that a
program keeps writing through shared memory change no times for seconds: ``--no-cache`` is for those who do so.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.manifest import File
from pipelines.datasets.commits.sources import LocalSource

FORMAT = 1
RACY_NS = 2_000_000_000


class _Entry(NamedTuple):
    """``state``: device, inode, size, mtime and ctime, in nanoseconds; ``name`` is what the dataset calls the file."""

    state: tuple[int, ...]
    name: str
    sha256: str
    rows: int | None
    columns: tuple[str, ...] | None


@contextlib.contextmanager
def remembering(place: Path) -> Iterator["DigestCache"]:
    """What is remembered in the file ``place``, kept there again at the end, whatever happens."""
    memory = DigestCache.read(place)
    try:
        yield memory
    finally:
        memory.save()


@dataclass(kw_only=True)
class DigestCache:
    """What is known of files by their absolute paths. ``place`` is the file that it is kept in."""

    place: Path
    clock_ns: Callable[[], int] = time.time_ns
    _known: Mapping[str, _Entry] = field(default_factory=dict)
    _used: dict[str, _Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, place: Path) -> Self:
        """What was kept; nothing if there is none, or it cannot be read."""
        try:
            document = json.loads(place.read_bytes())
            if document["format"] != FORMAT:
                return cls(place=place)
            shared = [tuple(columns) if columns is not None else None for columns in document["columns"]]
            known = {
                path: _Entry(tuple(state), name, sha256, rows, shared[columns])
                for path, (state, name, sha256, rows, columns) in document["files"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return cls(place=place)
        return cls(place=place, _known=known)

    def source(self, place: Path) -> "CachedSource":
        return CachedSource(place, self)

    def save(self) -> None:
        """Keep what was used since it was read, and no more; where that is not possible, nothing is remembered."""
        if self._used == self._known:
            return
        columns = {entry.columns: None for entry in self._used.values()}
        numbers = {value: number for number, value in enumerate(columns)}
        files = {
            path: (entry.state, entry.name, entry.sha256, entry.rows, numbers[entry.columns])
            for path, entry in self._used.items()
        }
        part = self.place.with_name(f".{self.place.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps({"format": FORMAT, "columns": list(columns), "files": files}))
            part.replace(self.place)

    def describe(self, place: Path, name: str) -> File:
        """The file, from memory if it has not changed."""
        path = os.path.abspath(place)
        before = _state(path)
        entry = self._known.get(path)
        if entry is None or entry.state != before or entry.name != name:
            began_ns = self.clock_ns()
            file = LocalSource(place).describe(name)
            entry = _Entry(before or (), name, file.sha256, file.rows, file.columns)
            if before is None or before != _state(path) or max(before[-2:]) > began_ns - RACY_NS:
                return file
        self._used[path] = entry
        return File(path=name, sha256=entry.sha256, size_bytes=entry.state[2], rows=entry.rows, columns=entry.columns)

    def forget(self, place: Path) -> None:
        self._used.pop(os.path.abspath(place), None)


def _state(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True)
class CachedSource(LocalSource):
    """A file of this machine that may have been hashed before."""

    memory: DigestCache

    def describe(self, path: str) -> File:
        return self.memory.describe(self.place, path)

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        try:
            return LocalSource(self.place).store(bucket, key, file)
        except Exception:
            # Whatever was wrong, it is hashed the next time.
            self.memory.forget(self.place)
            raise
