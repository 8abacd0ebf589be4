"""``mooring data checkout`` and ``verify``: write a commit's files to a folder, and find damaged commits."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from mooring.cli.dataset import SHORT_ID, count_files, dataset_arguments, opened
from mooring.cli.terminal import json_option, plain, print_json, print_table, transfer
from mooring.errors import MooringError
from pipelines.datasets.commits.checkout import UncommittedFileError, UnsafePathError
from pipelines.datasets.commits.verify import verify as verify_commit

SHOWN_FILES = 10


@click.command(short_help="Write a commit's files to a folder.")
@dataset_arguments
@click.argument("revision")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace files with other content, even if no commit has that content.")
@json_option
def checkout(environment: str, dataset: str, revision: str, folder: Path, overwrite: bool, as_json: bool) -> None:
    """Write the files of a commit of DATASET to FOLDER, and compare each file's digest.

    Files that FOLDER has already are not downloaded again; files that are not in the commit stay. REVISION is HEAD,
    HEAD~2 (two before it), or an id or its first digits.
    """
    with opened(environment, dataset) as found, transfer(f"Fetching {dataset}") as on_progress:
        commit = found.resolve(revision)
        try:
            done = found.checkout(commit, folder, overwrite=overwrite, on_progress=on_progress)
        except UncommittedFileError as error:
            raise MooringError(str(error), remedy="choose another folder, or give --overwrite") from error
        except UnsafePathError as error:
            raise MooringError(str(error), remedy="choose another folder") from error
    if as_json:
        print_json({"commit": commit.id, "folder": str(folder), **asdict(done)})
        return
    click.echo(
        f"{commit.id[:SHORT_ID]} in {folder}: {count_files(commit)}, {commit.size_bytes:,} bytes; "
        f"{len(done.written)} written, {len(done.replaced)} replaced, {len(done.kept)} kept"
    )
    if done.unknown:
        click.echo(f"Not in the commit, and left as they are: {_some(done.unknown)}")


@click.command(short_help="Hash a commit again, and list its damage.")
@dataset_arguments
@click.argument("revision", required=False)
@click.option("--all", "everything", is_flag=True, help="Verify every commit, and the head.")
@json_option
def verify(environment: str, dataset: str, revision: str | None, everything: bool, as_json: bool) -> None:
    """Hash the manifest and the objects of a commit of DATASET again, and list its damage.

    REVISION is HEAD (the default), HEAD~2 (two before it), or an id or its first digits. The exit code is 1 if anything
    is damaged.
    """
    if revision and everything:
        raise MooringError(f"both {revision} and --all were given", remedy="give a revision, or --all")
    with opened(environment, dataset) as found, transfer(f"Verifying {dataset}") as on_progress:
        # By its id, because a commit with a damaged manifest cannot be read.
        commit_id = None if everything else found.history.find(revision or "HEAD")
        damages = verify_commit(found.bucket, found.history, commit_id, workers=found.workers, on_progress=on_progress)
    what = f"commit {commit_id[:SHORT_ID]}" if commit_id else "every commit"
    if as_json:
        print_json({"verified": commit_id or "all", "damages": [asdict(damage) for damage in damages]})
    elif damages:
        print_table("Damaged", list(asdict(damages[0])), [list(asdict(damage).values()) for damage in damages])
    else:
        click.echo(f"{dataset}, {what}: nothing is damaged.")
    if damages:
        raise MooringError(
            f"{dataset}, {what}: damage in {len(damages)} place{'' if len(damages) == 1 else 's'}",
            remedy=f"restore undamaged versions of the objects: mooring data restore {environment} {dataset}",
        )


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN_FILES} more" if len(paths) > SHOWN_FILES else ""
    return plain(", ".join(paths[:SHOWN_FILES]) + more)
