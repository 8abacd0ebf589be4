"""Builds the archive of the packages that the jobs need and their container lacks, as one tar.gz.

Run it with ``python -m infra.job_packages``, or ``make layer``. AWS's scikit-learn container 1.9-0 has pandas, pyarrow
and PyYAML, but not pandera. With network isolation a job can install nothing, so the archive is one of its inputs;
``pipelines/jobs/steps/packages.py`` unpacks it.
"""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

from infra.wheels import PYTHON, Wheels

ROOT = Path(__file__).resolve().parent.parent
WHEELS = Wheels(lock=ROOT / "requirements-jobs.lock", folder=ROOT / "build" / "job-packages")
NAME = "packages.tar.gz"
TAG = f"cp{PYTHON.replace('.', '')}"
"""Name of the archive's one folder: the Python minor that its compiled parts are for."""
INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files of a .dist-info that describe the installation, and so differ from machine to machine."""


def archive(folder: Path) -> bytes:
    """Return the packages in a folder as a tar.gz; the same packages always give the same bytes."""
    raw = io.BytesIO()
    # Neither gzip's header nor tar's may carry a time or an owner.
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as opened:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and path.name not in INSTALLER_FILES and inside.parts[0] != "bin":
                entry, content = tarfile.TarInfo(f"{TAG}/{inside.as_posix()}"), path.read_bytes()
                entry.size, entry.mode = len(content), 0o644
                opened.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


def build() -> None:
    WHEELS.clear()
    WHEELS.content.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        WHEELS.fetch(Path(folder))
        (WHEELS.content / NAME).write_bytes(archive(Path(folder)))
    WHEELS.stamp()


if __name__ == "__main__":
    build()
