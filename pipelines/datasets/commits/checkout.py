"""Write a commit's files to a folder; each digest is verified, and each file is written whole or not at all.

Files in the folder that are not in the commit stay, and are reported. A file with a name of the commit and another
content is replaced only if the dataset's objects hold that content, so that nothing is lost; else the checkout is
refused before it writes anything, unless it may overwrite.
"""

import hashlib
import os
import stat
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from botocore.response import StreamingBody

from pipelines.aws.parallel import each
from pipelines.aws.s3 import Bucket, MissingObjectError
from pipelines.datasets.commits.manifest import Commit, File
from pipelines.datasets.commits.objects import DamagedObjectError
from pipelines.datasets.commits.places import Places
from pipelines.datasets.commits.sources import BLOCK_BYTES, Progress
from pipelines.interface.paths import object_key


class UnsafePathError(ValueError):
    """A file of the commit would be written outside the folder, or in the place of a folder."""


class UncommittedFileError(RuntimeError):
    """Files in the folder hold content that no object of the dataset has: replacing them would lose it."""


@dataclass(frozen=True, kw_only=True)
class CheckoutResult:
    """Paths relative to the folder. ``kept`` were right already; ``unknown`` are not the commit's."""

    written: tuple[str, ...]
    replaced: tuple[str, ...]
    kept: tuple[str, ...]
    unknown: tuple[str, ...]


def checkout(
    bucket: Bucket,
    commit: Commit,
    folder: Path,
    *,
    overwrite: bool,
    workers: int,
    on_progress: Progress | None = None,
) -> CheckoutResult:
    """Write ``commit`` to ``folder``, which is created if needed.

    Raises
    ------
    UnsafePathError
        A path leads out of the folder through a symbolic link, or is a folder; nothing was written.
    UncommittedFileError
        A file would be replaced whose content is nowhere else; nothing was written.
    DamagedObjectError
        An object is missing or damaged, and the commit's own version of it too; the files written before are whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    _check_folders(root, commit)
    there = _digests_there(root, commit.files, workers=workers)
    kept = {file.path for file in commit.files if there.get(file.path) == file.sha256}
    if not overwrite:
        _check_committed(bucket, commit.dataset, {path: there[path] for path in there.keys() - kept})
    fetched = [file for file in commit.files if file.path not in kept]
    total = sum(file.size_bytes for file in fetched)
    done = 0
    objects = _Objects(bucket=bucket, commit=commit)
    for file in each(lambda file: _write(objects, root, file), fetched, workers=workers):
        done += file.size_bytes
        if on_progress:
            on_progress(done, total, "Fetching")
    names = {file.path for file in commit.files}
    return CheckoutResult(
        written=tuple(file.path for file in fetched if file.path not in there),
        replaced=tuple(file.path for file in fetched if file.path in there),
        kept=tuple(sorted(kept)),
        unknown=tuple(sorted(path for path in _files_below(root) if path not in names)),
    )


def _check_folders(root: Path, commit: Commit) -> None:
    folders = {parent for file in commit.files for parent in Path(file.path).parents} - {Path()}
    for folder in sorted(folders, key=lambda folder: len(folder.parts)):
        mode = _mode(root / folder)
        if mode is not None and not stat.S_ISDIR(mode):
            kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a folder"
            raise UnsafePathError(f"{root / folder} is {kind}: the commit's files need a folder there; move it")
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)


def _mode(place: Path) -> int | None:
    try:
        return place.lstat().st_mode
    except FileNotFoundError:
        return None


def _digests_there(root: Path, files: Iterable[File], *, workers: int) -> dict[str, str]:
    """Return the digests of files in the folder by the commit's names; a symbolic link's is ""."""
    found: dict[str, str] = {}

    def regular() -> Iterator[str]:
        for file in files:
            mode = _mode(root / file.path)
            if mode is not None and stat.S_ISLNK(mode):
                found[file.path] = ""
            elif mode is not None and stat.S_ISREG(mode):
                yield file.path
            elif mode is not None:
                raise UnsafePathError(f"{root / file.path} is not a file: move it, a file of the commit has this name")

    found.update(each(lambda path: (path, _digest_of(root / path)), regular(), workers=workers))
    return found


def _digest_of(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_committed(bucket: Bucket, dataset: str, others: dict[str, str]) -> None:
    lost = []
    for path, digest in sorted(others.items()):
        stored = bucket.find(object_key(dataset, digest)) if digest else None
        if stored is None or stored.sha256 != digest:
            lost.append(path)
    if lost:
        raise UncommittedFileError(
            f"no commit of {dataset!r} holds the content of {', '.join(lost)}: commit it, move it, or overwrite it"
        )


@dataclass(frozen=True, kw_only=True)
class _Objects:
    bucket: Bucket
    commit: Commit

    def bodies(self, file: File) -> Iterator[StreamingBody]:
        """Yield candidates for the content: the object, then the version that the commit was made of."""
        key = object_key(self.commit.dataset, file.sha256)
        with suppress(MissingObjectError):
            yield self.bucket.open(key)
        if version := self.places.versions.get(file.sha256):
            with suppress(MissingObjectError):
                yield self.bucket.open(key, version)

    @cached_property
    def places(self) -> Places:
        return Places.read(self.bucket, self.commit.dataset, self.commit)


def _write(objects: _Objects, root: Path, file: File) -> File:
    target = root / file.path
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        for body in objects.bodies(file):
            if _download(body, part) == file.sha256:
                part.replace(target)
                return file
    finally:
        part.unlink(missing_ok=True)
    raise DamagedObjectError(
        f"{file.path}: object {file.sha256} is missing or damaged; list all such objects: mooring data verify"
    )


def _download(body: StreamingBody, place: Path) -> str:
    digest = hashlib.sha256()
    with place.open("wb", buffering=0) as file:
        for block in body.iter_chunks(BLOCK_BYTES):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _files_below(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        below = Path(folder).relative_to(root)
        yield from ((below / name).as_posix() for name in names)
