"""Pack and unpack zip archives of sources and artifacts, with the files' modes."""

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath


class ZipError(Exception):
    """An archive that cannot be unpacked safely; the text becomes a phase's context."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the archive below the folder.

    Raises
    ------
    ZipError
        It is no zip archive, or a member lies outside the folder or is a link.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                _extract(opened, member, folder)
    except zipfile.BadZipFile as error:
        raise ZipError(f"not a zip archive: {error}") from error


def pack(files: Mapping[str, Path], archive: Path) -> None:
    """Write an archive of the files by their names in it."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as opened:
        for name, file in files.items():
            opened.write(file, name)


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    name, mode = PurePosixPath(member.filename), member.external_attr >> 16
    if name.is_absolute() or ".." in name.parts:
        raise ZipError(f"the member {member.filename!r} lies outside the folder")
    if stat.S_ISLNK(mode):
        raise ZipError(f"the member {member.filename!r} is a link")
    target = Path(opened.extract(member, folder))
    if stat.S_IMODE(mode) and not member.is_dir():
        target.chmod(stat.S_IMODE(mode) | stat.S_IRUSR | stat.S_IWUSR)
