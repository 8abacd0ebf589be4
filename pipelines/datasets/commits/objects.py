"""A dataset's objects: each distinct content once, under its digest, never overwritten by another content."""

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
"""To ask whether such an object is there costs as much as to write it on condition that it is not."""


class DamagedObjectError(RuntimeError):
    """An object has not the content that its name says, or is gone again each time."""


class Objects:
    """Sees to it that contents are in the bucket; ``versions`` are the VersionIds of those it has seen to, by digest.

    ``known`` are the digests of objects that are there for sure: those of a commit. Any other that is there is taken
    only if S3 says that it verified exactly this SHA-256 when the object was written. What is absent is written on
    condition that it still is: nothing is ever overwritten.
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
            A wrong logical name, a file that cannot be read, or one that changes meanwhile.
        DamagedObjectError
            The object that is there has another content than its name says.
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
                # Threads that hash small files only wait for each other.
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
        """Store what was described before, and most probably stored: for another ``known``."""

        def store(upload: tuple[File, Source]) -> None:
            self.versions[upload[0].sha256] = self._store(*upload, ask_first=True)

        for _ in each(store, [upload for upload in uploads if self._claim(upload[0])], workers=workers):
            pass

    def _claim(self, file: File) -> bool:
        """Whether nobody else sees to this content."""
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
                    f"{self._bucket.uri(key)}: S3 says its SHA-256 is {stored.sha256 or 'unknown'}, not the one of its "
                    "name: bring a sound version back (mooring data restore), or have the newest one erased"
                )
            if stored:
                return stored.version
            try:
                return source.store(self._bucket, key, file)
            except ExistsError:
                # It was there before, or another writer was faster: is it what it should be?
                continue
        raise DamagedObjectError(f"{self._bucket.uri(key)} came and went {ATTEMPTS} times while it was to be written")


class _Waiting(NamedTuple):
    """A file in line; one that is described is also claimed."""

    path: str
    source: Source
    file: File | None
