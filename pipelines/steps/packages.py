"""The packages that the container lacks, from an input of the job: ``vendor/<tag>.tar.gz``, for one Python minor.

On a machine that has them already (a laptop, the embedded AWS) nothing is unpacked.
"""

import importlib.util
import sys
import tarfile
import tempfile
from pathlib import Path

NEEDED = "pandera"


class PackagesMissingError(RuntimeError):
    """The job has neither the packages nor an archive of them for its Python."""


def provide(folder: Path) -> None:
    """Make the packages importable.

    Raises
    ------
    PackagesMissingError
        ``folder`` has no archive for the running Python.
    """
    if importlib.util.find_spec(NEEDED):
        return
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    archives = sorted(folder.glob("*.tar.gz")) if folder.is_dir() else []
    fitting = [archive for archive in archives if archive.name.startswith(f"{tag}-")]
    if not fitting:
        found = ", ".join(archive.name for archive in archives) or "nothing"
        raise PackagesMissingError(f"{NEEDED} is not installed, and {folder} holds {found}, no archive for {tag}")
    target = tempfile.mkdtemp(prefix="packages-")
    with tarfile.open(fitting[0]) as archive:
        archive.extractall(target, filter="data")
    # First: the packages were resolved together, and the container's copies of some may be older.
    sys.path.insert(0, target)
    importlib.invalidate_caches()
