"""A dataset's objects: each distinct content once, under its digest, never overwritten."""

from collections.abc import Iterable, Iterator, Mapping, Set
from threading import Lock
from typing import NamedTuple

from pipelines.aws.parallel import WORKERS, each
from pipelines.aws.s3 import Bucket, ExistsError
from pipelines.datasets.commits.manifest import File, check_paths
from pipelines.datasets.commits.sources import Progress, Source
from pipelines.interface.paths import object_key

ATTEMPTS = 5
SMALL_BYTES = 1 << 20
"""Largest size of a file that is written without asking first whether its object exists: asking costs as much."""


class DamagedObjectError(RuntimeError):
    """An object has another content than its name says, is missing, or disappeared at each attempt."""


class Objects:
    """Writer of a dataset's contents; ``versions`` has the VersionIds of those that it stored or found, by digest.

    ``known`` are the digests of objects that certainly exist: those of a commit. Any other object that exists is used
    only if S3 says that it verified exactly this SHA-256 at the write. A missing object is written on condition that
    there is none: nothing is ever overwritten.
    """

    def __init__(self, bucket: Bucket, dataset: str, *, known: Set[str]) -> None:
        self.versions: dict[str, str | None] = {}
        self._bucket = bucket
        self._dataset = dataset
        self._claimed = set(known)
        self._lock = Lock()

    def take(
        self, sources: Mapping[str, Source], *, workers: int = WORKERS, on_progress: Progress | None = None
    ) -> list[File]:
        """Describe all files (logical name -> source), and store the contents that are not known.

        Raises
        ------
        InvalidCommitError
            A wrong logical name, a file that cannot be read, or a file that changes meanwhile.
        DamagedObjectError
            An object has another content than its name says.
        """
        check_paths(sources)
        total = sum(source.size_bytes for source in sources.values()) if on_progress else 0
        files: list[File] = []
        done = 0

        def add(file: File) -> None:
            nonlocal done
            files.append(file)
            done += file.size_bytes
            if on_progress:
                on_progress(done, total, "Hashing and storing")

        def waiting() -> Iterator[_Waiting]:
            for path, source in sources.items():
                # Small files are hashed here: threads would only wait for each other.
                file = source.describe(path) if source.size_bytes <= SMALL_BYTES else None
                if file is None or self._claim(file):
                    yield _Waiting(path, source, file)
                else:
                    add(file)

        for file in each(self._take, waiting(), workers=workers):
            add(file)
        return files

    def _take(self, waiting: "_Waiting") -> File:
        path, source, file = waiting
        if file is None:
            file = source.describe(path)
            if not self._claim(file):
                return file
        self.versions[file.sha256] = self._store(file, source, ask_first=file.size_bytes > SMALL_BYTES)
        return file

    def take_again(self, uploads: Iterable[tuple[File, Source]], *, workers: int = WORKERS) -> None:
        """Store files again that were described before; most of their objects exist already."""

        def store(upload: tuple[File, Source]) -> None:
            self.versions[upload[0].sha256] = self._store(*upload, ask_first=True)

        for _ in each(store, [upload for upload in uploads if self._claim(upload[0])], workers=workers):
            pass

    def _claim(self, file: File) -> bool:
        """Return True for the first caller with this content."""
        with self._lock:
            if file.sha256 in self._claimed:
                return False
            self._claimed.add(file.sha256)
            return True

    def _store(self, file: File, source: Source, *, ask_first: bool) -> str | None:
        key = object_key(self._dataset, file.sha256)
        for attempt in range(ATTEMPTS):
            stored = self._bucket.find(key) if ask_first or attempt else None
            if stored and stored.sha256 != file.sha256:
                raise DamagedObjectError(
                    f"{self._bucket.uri(key)}: S3 says its SHA-256 is {stored.sha256 or 'unknown'}, not the one in its "
                    "name: restore a sound version (mooring data restore), or have the newest version erased"
                )
            if stored:
                return stored.version
            try:
                return source.store(self._bucket, key, file)
            except ExistsError:
                # It existed before, or another writer was faster: the next attempt checks its SHA-256.
                continue
        raise DamagedObjectError(f"{self._bucket.uri(key)} appeared and disappeared {ATTEMPTS} times; try again")


class _Waiting(NamedTuple):
    """A file that is not stored yet; if it is described, it is also claimed."""

    path: str
    source: Source
    file: File | None
