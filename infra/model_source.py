"""A model's source as one tar.gz, which its training job, its processing jobs and its endpoint run."""

import gzip
import io
import tarfile
from functools import cache
from pathlib import Path

AT_THE_ROOT = ("train.py", "inference.py", "contract.yaml")
PACKAGES = ("interface", "jobs", "statistics", "tables")
"""Packages of ``pipelines`` that the jobs import. An edit of another package does not change the models' sources."""


class SourceMissingError(FileNotFoundError):
    """A model's folder lacks one of its files."""


@cache
def bundle(root: Path, program: str) -> bytes:
    """Return the source of a model; the same files always give the same bytes.

    Raises
    ------
    SourceMissingError
        ``pipelines/models/<program>`` lacks one of its files.
    """
    pipelines = root / "pipelines"
    model = pipelines / "models" / program
    for name in AT_THE_ROOT:
        if not (model / name).is_file():
            raise SourceMissingError(
                f"model program {program!r}: there is no {model.relative_to(root) / name}; "
                "add the file, or name another program in the fleet's file"
            )
    files = {name: model / name for name in AT_THE_ROOT}
    folders = [*(pipelines / package for package in PACKAGES), model]
    sources = [*pipelines.glob("*.py"), *(path for folder in folders for path in folder.rglob("*"))]
    sources.append(pipelines / "models" / "__init__.py")
    for path in sources:
        if path.suffix in (".py", ".yaml") and path.is_file():
            files[path.relative_to(root).as_posix()] = path
    raw = io.BytesIO()
    # Neither gzip's header nor tar's may carry a time or an owner.
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for name in sorted(files):
            entry, content = tarfile.TarInfo(name), files[name].read_bytes()
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return raw.getvalue()
