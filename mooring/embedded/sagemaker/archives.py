"""Pack folders to .tar.gz deterministically, and unpack archives safely."""

import gzip
import os
import tarfile
from pathlib import Path

MAX_MEMBERS = 50_000
MAX_BYTES = 10 * 1024**3


class UnsafeArchiveError(Exception):
    """Refusal of an archive that is not safe to unpack, or that cannot be read."""


def pack(folder: Path, target: Path) -> None:
    """Write the files of ``folder`` to a .tar.gz; equal content gives equal bytes.

    Members are sorted and have no times and no owners. A symbolic link becomes the content of its target.
    """
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", mtime=0, fileobj=raw, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", dereference=True) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            member = archive.gettarinfo(str(path), arcname=str(path.relative_to(folder)))
            member.mtime = member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or os.access(path, os.X_OK) else 0o644
            # gettarinfo makes a second hard link refer to the first member; the archive holds two copies instead.
            member.type = tarfile.DIRTYPE if path.is_dir() else tarfile.REGTYPE
            if path.is_dir():
                archive.addfile(member)
            else:
                member.size = path.stat().st_size
                with path.open("rb") as content:
                    archive.addfile(member, content)


def unpack(source: Path, folder: Path, *, max_members: int = MAX_MEMBERS, max_bytes: int = MAX_BYTES) -> None:
    """Unpack a .tar.gz of plain files and folders below ``folder``; ``max_bytes`` counts the unpacked files.

    Raises
    ------
    UnsafeArchiveError
        The archive cannot be read, has too many files or bytes, or a member lies outside ``folder``, is a link or a
        device, or occurs twice.
    """
    seen: set[Path] = set()
    size = 0
    try:
        with tarfile.open(source, "r:*") as archive:
            for member in archive:
                target = _target(member, folder)
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                size += member.size
                if target in seen:
                    raise UnsafeArchiveError(f"{source.name} holds {member.name} twice; each name may occur once")
                if len(seen) >= max_members or size > max_bytes:
                    raise UnsafeArchiveError(
                        f"{source.name} holds more than {max_members} files or {max_bytes} bytes; pack less into it"
                    )
                seen.add(target)
                target.parent.mkdir(parents=True, exist_ok=True)
                archive.extract(member, folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UnsafeArchiveError(f"{source.name} cannot be unpacked: {error}") from error


def _target(member: tarfile.TarInfo, folder: Path) -> Path:
    path = Path(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise UnsafeArchiveError(f"{member.name!r} lies outside the folder; paths must be relative, without '..'")
    if not (member.isreg() or member.isdir()):
        raise UnsafeArchiveError(f"{member.name!r} is a link or a device; only files and folders are unpacked")
    return folder / path
