"""Helpers of the commands of ``mooring data``: a dataset by its name, and remedies of its errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from botocore.exceptions import ClientError

from mooring.cli.fleet import find
from mooring.cli.terminal import plain
from mooring.deployed import DeployedEnvironment
from mooring.errors import MooringError
from pipelines.datasets.commits.commits import Commit, Dataset, InvalidCommitError, NoDataError
from pipelines.datasets.commits.objects import DamagedObjectError

FORBIDDEN = ("AccessDenied", "403")
S3_CALLS = (
    "GetObject",
    "HeadObject",
    "PutObject",
    "CopyObject",
    "DeleteObjects",
    "ListObjectsV2",
    "ListObjectVersions",
)
SHORT_ID = 12

F = TypeVar("F", bound=Callable[..., Any])


def dataset_arguments(command: F) -> F:
    """Add the arguments ENVIRONMENT and DATASET to a command."""
    return click.argument("environment")(click.argument("dataset")(command))


@contextmanager
def opened(environment: str, dataset: str, *, persona: str = "engineer") -> Iterator[Dataset]:
    """Yield the dataset under the persona's role; errors with it inside the block get a remedy.

    Raises
    ------
    MooringError
        There is no such dataset, commit or revision; metadata is damaged; or the bucket has another owner.
    """
    found = DeployedEnvironment(find(environment, dataset=dataset)).dataset(dataset, persona=persona)
    try:
        yield found
    except NoDataError as error:
        remedy = f"list its commits: mooring data log {environment} {dataset}"
        raise MooringError(str(error), remedy=remedy) from error
    except (InvalidCommitError, DamagedObjectError) as error:
        remedy = f"list the damage: mooring data verify {environment} {dataset} --all; then mooring data restore"
        raise MooringError(str(error), remedy=remedy) from error
    except ClientError as error:
        if error.operation_name not in S3_CALLS or error.response.get("Error", {}).get("Code") not in FORBIDDEN:
            raise
        raise refused_bucket(found, error, persona) from error


def refused_bucket(dataset: Dataset, error: ClientError, persona: str = "engineer") -> MooringError:
    """Return an error for a refused bucket: S3 does not tell another owner from a missing permission."""
    bucket = dataset.bucket
    return MooringError(
        f"S3 refuses {error.operation_name} in bucket {bucket.name} of account {bucket.owner}: {error}",
        remedy=f"find out whether the {persona}'s role lacks a permission or another account owns the bucket: "
        f"aws s3api head-bucket --bucket {bucket.name} --expected-bucket-owner {bucket.owner}",
    )


def one_line(commit: Commit) -> str:
    """Return a commit in one line, for headings."""
    message = commit.message.partition("\n")[0]
    return plain(f"{commit.id[:SHORT_ID]} ({commit.time[:10]}, {commit.author}: {message})")


def count_rows(commit: Commit) -> int | None:
    """Return the number of rows of all files, or None if a file's number is unknown."""
    rows = [file.rows for file in commit.files]
    return None if None in rows else sum(count or 0 for count in rows)


def count_files(commit: Commit) -> str:
    return f"{len(commit.files):,} file{'' if len(commit.files) == 1 else 's'}"


def shown(count: int | None) -> str:
    return "" if count is None else f"{count:,}"
