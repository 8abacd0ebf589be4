"""A cache of digests on this machine: a file that has not changed since the last commit is not read again.

It works as git's index does. A file has the content that was hashed if its inode, size, modification time and change
time (which no program can set) are the same as then. A file that changed less than two seconds before it was hashed, or
while it was hashed, is not cached: a later change might leave the same times. Writes through shared memory may change
no times for seconds: use ``--no-cache`` with such programs.
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
"""Age in nanoseconds from which a file's times show every later change."""


class _Entry(NamedTuple):
    """A cached file. ``state`` is device, inode, size, mtime and ctime (ns); ``name`` is the logical name."""

    state: tuple[int, ...]
    name: str
    sha256: str
    rows: int | None
    columns: tuple[str, ...] | None


@contextlib.contextmanager
def remembering(place: Path) -> Iterator["DigestCache"]:
    """Yield the cache in the file ``place``, and save it at the end, also after an error."""
    cache = DigestCache.read(place)
    try:
        yield cache
    finally:
        cache.save()


@dataclass(kw_only=True)
class DigestCache:
    """Cache of files' digests by their absolute paths, kept in the file ``place``."""

    place: Path
    clock_ns: Callable[[], int] = time.time_ns
    _known: Mapping[str, _Entry] = field(default_factory=dict)
    _used: dict[str, _Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, place: Path) -> Self:
        """Return the saved cache; an empty one if there is none, or it cannot be read."""
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
        """Save the entries that were used since it was read; skip it where the file cannot be written."""
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
        """Return the file's description, from the cache if the file has not changed."""
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
    """A file of this machine whose digest may be cached."""

    cache: DigestCache

    def describe(self, path: str) -> File:
        return self.cache.describe(self.place, path)

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        try:
            return LocalSource(self.place).store(bucket, key, file)
        except Exception:
            # The cached digest may be wrong: the next commit hashes the file again.
            self.cache.forget(self.place)
            raise
