"""What the commands of ``mooring data`` share: a dataset by its name, and its errors as a person can mend them."""

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
    """ENVIRONMENT and DATASET, as each of the commands begins."""
    return click.argument("environment")(click.argument("dataset")(command))


@contextmanager
def opened(environment: str, dataset: str, *, persona: str = "engineer") -> Iterator[Dataset]:
    """The dataset, as the engineer by default; what goes wrong with it in the block is explained.

    Raises
    ------
    MooringError
        No such dataset, commit or revision; damaged metadata; a bucket that is not ours.
    """
    found = DeployedEnvironment(find(environment, dataset=dataset)).dataset(dataset, persona=persona)
    try:
        yield found
    except NoDataError as error:
        remedy = f"see which commits there are: mooring data log {environment} {dataset}"
        raise MooringError(str(error), remedy=remedy) from error
    except (InvalidCommitError, DamagedObjectError) as error:
        remedy = f"see what is damaged: mooring data verify {environment} {dataset} --all; then mooring data restore"
        raise MooringError(str(error), remedy=remedy) from error
    except ClientError as error:
        if error.operation_name not in S3_CALLS or error.response.get("Error", {}).get("Code") not in FORBIDDEN:
            raise
        raise refused_bucket(found, error, persona) from error


def refused_bucket(dataset: Dataset, error: ClientError, persona: str = "engineer") -> MooringError:
    """S3 says the same of a bucket of another owner as of a missing permission; we say how to tell them apart."""
    bucket = dataset.bucket
    return MooringError(
        f"S3 refuses {error.operation_name} in bucket {bucket.name} as one of account {bucket.owner}: {error}",
        remedy=f"either the {persona}'s role lacks a permission, or another account holds a bucket of this name; see: "
        f"aws s3api head-bucket --bucket {bucket.name} --expected-bucket-owner {bucket.owner}",
    )


def one_line(commit: Commit) -> str:
    """A commit in a sentence, for headings."""
    message = commit.message.partition("\n")[0]
    return plain(f"{commit.id[:SHORT_ID]} ({commit.time[:10]}, {commit.author}: {message})")


def count_rows(commit: Commit) -> int | None:
    """Rows of all files, or None if not every file's are known."""
    rows = [file.rows for file in commit.files]
    return None if None in rows else sum(count or 0 for count in rows)


def count_files(commit: Commit) -> str:
    return f"{len(commit.files):,} file{'' if len(commit.files) == 1 else 's'}"


def shown(count: int | None) -> str:
    return "" if count is None else f"{count:,}"
