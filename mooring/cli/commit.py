"""``mooring data commit``: commits files and folders of this machine to a dataset."""

import getpass
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from mooring.cli.dataset import SHORT_ID, count_files, count_rows, dataset_arguments, opened, shown
from mooring.cli.fleet import find, models_retrained_by_commit
from mooring.cli.terminal import cache, json_option, plain, print_json, transfer
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.aws.messages import publish
from pipelines.datasets.commits.commits import HeadMovedError, InvalidCommitError
from pipelines.datasets.commits.digest_cache import remembering
from pipelines.interface.events import RetrainingRequested, TriggerRequest
from pipelines.interface.records import TriggerKind


@dataclass(frozen=True, kw_only=True)
class FileSelection:
    """The files of a commit by logical name; ``left_out`` are the reasons why others are left out, by path."""

    files: dict[str, Path]
    left_out: dict[str, str]


def choose(paths: Sequence[Path]) -> FileSelection:
    """Return the files of ``paths``: a file by its name, a folder's files by their paths below it.

    Raises
    ------
    MooringError
        Two files have the same logical name, or there is no file.
    """
    files: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for name, place in (found for path in paths for found in _below(path, left_out)):
        if files.setdefault(name, place) != place:
            raise MooringError(
                f"{files[name]} and {place} both have the name {name!r} in the dataset",
                remedy="commit one after the other, or the folder that holds both",
            )
    if not files:
        others = f" except those that are left out ({_listed(left_out)})" if left_out else ""
        raise MooringError(
            f"there are no files in {', '.join(map(str, paths))}{others}",
            remedy="give files, or folders with files; a file that is left out is committed if you give its own path",
        )
    return FileSelection(files=files, left_out=left_out)


def _below(path: Path, left_out: dict[str, str]) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, path
        return
    for folder, folders, names in os.walk(path):
        for name in sorted(folders + names):
            place = Path(folder) / name
            if name.startswith("."):
                left_out[str(place)] = "hidden"
            elif place.is_dir():
                if place.is_symlink():
                    left_out[str(place)] = "a link to a folder"
            elif not place.is_file():
                left_out[str(place)] = "not a regular file"
            else:
                yield place.relative_to(path).as_posix(), place
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _listed(left_out: dict[str, str]) -> str:
    return plain(", ".join(f"{path}: {why}" for path, why in left_out.items()))


@click.command(short_help="Commit files and folders on top of the head.")
@dataset_arguments
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-m", "--message", required=True, help="Message of the commit.")
@click.option("--author", default=getpass.getuser, show_default="you", help="Author of the commit.")
@click.option("--replace", is_flag=True, help="Make these files the whole dataset, and remove all others from it.")
@click.option("--no-cache", is_flag=True, help="Read and hash every file again, even unchanged ones.")
@json_option
def commit(
    environment: str,
    dataset: str,
    paths: tuple[Path, ...],
    message: str,
    author: str,
    replace: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Commit PATHS on top of the head of DATASET; a file replaces one of the same name, the others stay.

    A file's name in the dataset is its file name. The files below a folder have their paths relative to it; hidden
    files are left out.

    \b
    Example:  mooring data commit arrivals-dev-us-east-1 flights 2013-*.csv.gz -m "January to March"
              mooring data commit arrivals-dev-us-east-1 flights flights/ --replace -m "All of 2013"
    """
    chosen = choose(paths)
    with opened(environment, dataset) as found, transfer(f"Committing to {dataset}") as on_progress:
        if before := found.read_head():
            # Outside of the try, because the files are not the reason of a damaged head.
            found.read_commit(before)
        try:
            with remembering(cache() / "digests" / f"{environment}-{dataset}.json") as memory:
                files = chosen.files if no_cache else {name: memory.source(path) for name, path in chosen.files.items()}
                made = found.commit(files, author=author, message=message, replace_all=replace, on_progress=on_progress)
        except InvalidCommitError as error:
            raise MooringError(str(error), remedy="correct the files named above, and commit again") from error
        except HeadMovedError as error:
            raise MooringError(str(error), remedy="commit again; no commit is lost") from error
    changed = made.id != before
    retrained = models_retrained_by_commit(environment, dataset) if changed else []
    for model in retrained:
        trigger = TriggerRequest(kind=TriggerKind.COMMIT, id=made.id, by=author, reason=message)
        services = DeployedEnvironment(find(environment)).services("engineer")
        publish(services, RetrainingRequested(model=model, trigger=trigger))
    if as_json:
        print_json({**asdict(made), "changed": changed, "left_out": chosen.left_out, "retrains": retrained})
        return
    rows = shown(count_rows(made))
    click.echo(
        f"{made.id}  {count_files(made)}, {f'{rows} rows, ' if rows else ''}{made.size_bytes:,} bytes, "
        f"tree {made.tree[:SHORT_ID]}"
    )
    if chosen.left_out:
        click.echo(f"Left out: {_listed(chosen.left_out)}")
    if not changed:
        click.echo("Nothing changed: the head has these files already.")
    for model in retrained:
        click.echo(f"A retraining of {model} is requested. See it: mooring show {environment} {model}")
