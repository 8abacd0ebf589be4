"""The packages that the container lacks, from an input of the job: an archive with a folder for each Python minor.

On a machine that has them already (a laptop, the embedded AWS) nothing is unpacked.
"""

import importlib.util
import sys
import tarfile
import tempfile
from pathlib import Path

NEEDED = "pandera"
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
"""Name of the folder in an archive for the running Python."""


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
    target = Path(tempfile.mkdtemp(prefix="packages-"))
    for path in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(path) as archive:
            archive.extractall(target, filter="data")
    if not (target / TAG).is_dir():
        found = ", ".join(sorted(path.name for path in target.iterdir())) or "nothing"
        raise PackagesMissingError(
            f"{NEEDED} is not installed, and the archives in {folder} hold {found}, not {TAG}: "
            "build the archive for the container's Python"
        )
    # The folder comes first in the path: its packages were resolved together, and some of the container's are older.
    sys.path.insert(0, str(target / TAG))
    importlib.invalidate_caches()
