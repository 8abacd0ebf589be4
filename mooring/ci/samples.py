"""Compares the samples of a dataset, which a repository keeps in ``samples/<dataset>``, in two work trees."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from mooring.ci.inputs import DataDifference, MovedColumn
from mooring.cli.difference import holds
from mooring.cli.tables import read_frames
from pipelines.datasets.commits.commits import File
from pipelines.datasets.commits.difference import compare_files
from pipelines.views.exploration.movement import compare_columns

FOLDER = "samples"


def sample_files(tree: Path, dataset: str) -> dict[str, Path]:
    """Return the places of a dataset's samples by their paths in the dataset; hidden files are left out."""
    root = tree / FOLDER / dataset
    places = (path for path in sorted(root.rglob("*")) if path.is_file())
    found = {path.relative_to(root).as_posix(): path for path in places}
    return {name: path for name, path in found.items() if not any(part.startswith(".") for part in name.split("/"))}


def compare_samples(environment: str, dataset: str, target: Path, change: Path) -> DataDifference | None:
    """Return how the samples of ``change`` differ from those of ``target``; None if they are the same."""
    places: dict[str, Path] = {}
    old, new = (_described(sample_files(tree, dataset), places) for tree in (target, change))
    files = compare_files(old, new)
    if not files:
        return None
    moved = compare_columns(old, new, lambda file: read_frames(places[file.sha256], file.path))
    schema = (
        *(f"{name} is added, of kind {kind}" for name, kind in moved.schema.added.items()),
        *(f"{name} is removed" for name in moved.schema.removed),
        *(f"{name} was {before} and is {after}" for name, (before, after) in moved.schema.retyped.items()),
        *(f"in {path} cannot be compared: {why}" for path, why in moved.unread.items()),
    )
    return DataDifference(
        environment=environment,
        dataset=dataset,
        files={kind: len(getattr(files, kind)) for kind in ("added", "removed", "changed", "renamed")},
        rows_before=moved.old_rows,
        rows_after=moved.new_rows,
        columns=tuple(
            MovedColumn(
                name=each.name,
                kind=each.kind,
                effect=each.effect,
                psi=each.psi,
                before=holds(each, "old"),
                after=holds(each, "new"),
            )
            for each in moved.columns
        ),
        # A new dataset has only added columns: its rows say it.
        schema=schema if old and new else (),
    )


def _described(files: Mapping[str, Path], places: dict[str, Path]) -> list[File]:
    found = []
    for name, place in files.items():
        digest = hashlib.sha256(place.read_bytes()).hexdigest()
        places[digest] = place
        found.append(File(path=name, sha256=digest, size_bytes=place.stat().st_size))
    return found
