"""Safe unpacking of a model's archive, and the digests by which archives are compared."""

import gzip
import hashlib
import json
import shutil
import tarfile
from pathlib import Path, PurePosixPath

MAX_FILES = 2_000
"""Largest number of files in an archive."""
MAX_BYTES = 2 * 1024**3
"""Largest size of an archive's files together."""


class UnsafeArtifactError(ValueError):
    """The archive is not one that a training job writes; nothing of it may be loaded."""


def unpack(archive: Path, target: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
    """Unpack ``model.tar.gz`` into ``target``: only plain files and folders inside it, within the caps.

    Raises
    ------
    UnsafeArtifactError
        A path leads outside, a name occurs twice, an entry is neither file nor folder, the file is no readable
        archive, or a cap is exceeded. The caps are checked before each entry is unpacked.
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
                    raise UnsafeArtifactError(f"{archive.name}: {member.name!r} occurs twice")
                seen.add(path)
                total += member.size
                if len(seen) > max_files or total > max_bytes:
                    raise UnsafeArtifactError(
                        f"{archive.name}: more than {max_files} files or {max_bytes} bytes when unpacked"
                    )
                content = tar.extractfile(member)
                assert content is not None
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                with (target / path).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnsafeArtifactError(f"{archive.name}: not a readable .tar.gz: {error}") from error


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_sha256(folder: Path) -> str:
    """Return the digest of an unpacked archive: of relative paths and content digests, in order of the paths.

    An archive's own bytes hold the times and owners of its files, so two archives of the same content differ.
    """
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listed = [[path, sha256_of(folder / path)] for path in files]
    return hashlib.sha256(json.dumps(listed, separators=(",", ":")).encode()).hexdigest()


def rows_sha256(path: Path) -> str:
    """Return the digest of the rows in a .csv.gz file: of the text, which does not depend on the compression."""
    with gzip.open(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
