"""Unpacking a model's archive without trusting it, and the digests by which archives are compared."""

import gzip
import hashlib
import json
import shutil
import tarfile
from pathlib import Path, PurePosixPath

MAX_FILES = 2_000
MAX_BYTES = 2 * 1024**3


class UnsafeArtifactError(ValueError):
    """The archive is not what a training job writes; nothing of it may be loaded."""


def unpack(archive: Path, target: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Unpack ``model.tar.gz`` into ``target``: plain files and folders inside it only, at most so many and so large.

    Raises
    ------
    UnsafeArtifactError
        A path leads outside, a name comes twice, an entry is a link or device, or a cap is exceeded. The caps count
        what is really unpacked, since headers can lie.
    """
    seen: set[PurePosixPath] = set()
    total = 0
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts or "\\" in member.name:
                    raise UnsafeArtifactError(f"{archive.name}: {member.name!r} leads outside the archive")
                if member.isdir():
                    (target / path).mkdir(parents=True, exist_ok=True)
                    continue
                if not member.isreg():
                    raise UnsafeArtifactError(f"{archive.name}: {member.name!r} is neither file nor folder")
                if path in seen:
                    raise UnsafeArtifactError(f"{archive.name}: {member.name!r} comes twice")
                seen.add(path)
                total += member.size
                if len(seen) > max_files or total > max_bytes:
                    raise UnsafeArtifactError(
                        f"{archive.name}: more than {max_files} files or {max_bytes} bytes unpacked"
                    )
                content = tar.extractfile(member)
                assert content is not None
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                with (target / path).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnsafeArtifactError(f"{archive.name}: not a readable .tar.gz: {error}") from error


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_sha256(folder: Path) -> str:
    """The digest of what an archive unpacked to: relative paths and content digests, in order of the paths.

    An archive's own bytes carry the times and owners of its files, so that two archives of the same content differ.
    """
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listed = [[path, sha256_of(folder / path)] for path in files]
    return hashlib.sha256(json.dumps(listed, separators=(",", ":")).encode()).hexdigest()


def rows_sha256(path: Path) -> str:
    """The digest of the rows in a .csv.gz file: of the text, not of how it was compressed."""
    with gzip.open(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
