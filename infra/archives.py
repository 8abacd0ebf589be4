"""Keeps finished files below ``build/``, so that what has not changed is not synthesized again.

Several processes may read and write at once: each archive is one file, which appears complete or not at all.
"""

import contextlib
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

DIGEST_BYTES = 32
KEPT_ARCHIVES = 1000
"""Number of archives that are kept, the last used ones: about ten states of a fleet of a thousand models."""


class Archives:
    """Archives of files by name; a damaged one counts as absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> tarfile.TarFile | None:
        """Return an archive that was written; None if there is none, or its digest is not that of its content."""
        path = self._folder / name
        try:
            stored = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        content = stored[DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != stored[:DIGEST_BYTES]:
            path.unlink(missing_ok=True)
            return None
        return tarfile.open(fileobj=io.BytesIO(content))

    def write(self, name: str, files: Mapping[str, Path]) -> None:
        """Write files and folders by their paths in the archive; another writer of the name writes the same."""
        raw = io.BytesIO()
        # Headers of the default format would double the number of entries to read.
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for inside, path in files.items():
                archive.add(path, inside)
        content = raw.getvalue()
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
            file.write(hashlib.sha256(content).digest() + content)
        os.replace(file.name, self._folder / name)

    def prune(self, kept: int = KEPT_ARCHIVES) -> None:
        """Delete all but the archives that were used last."""
        for _, path in sorted(self._used(), reverse=True)[kept:]:
            path.unlink(missing_ok=True)

    def _used(self) -> Iterator[tuple[float, Path]]:
        for path in self._folder.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                yield path.stat().st_mtime, path
