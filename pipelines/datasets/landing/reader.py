"""Read landed files within the function's time: small ones in parallel, large ones one after the other."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from pipelines.aws.parallel import WORKERS, each
from pipelines.aws.s3 import MissingObjectError
from pipelines.datasets.commits.manifest import InvalidCommitError, check_paths
from pipelines.datasets.landing.landed_files import LandedFile, LandedSource
from pipelines.datasets.landing.quarantine import RefusedFile
from pipelines.datasets.landing.readable import UnreadableError

BEGIN_WITHIN_S = 450
"""Seconds in which a run begins files: the rest of the function's time is for the commit."""
LONGEST_FILE_S = 300
"""Seconds that one file may take: a slower file would use up the function's time in every run."""
SMALL_BYTES = 64 << 20
"""Largest file that is read in parallel with others."""


class _SlowError(Exception):
    pass


@dataclass(frozen=True, kw_only=True)
class ReadFailure:
    """A landed file that S3 did not return."""

    landed: LandedFile
    error: Exception


Outcome = LandedSource | RefusedFile | ReadFailure | LandedFile | None
"""Outcome of one file: read, refused, failed; a ``LandedFile`` was not begun in time, None was deleted meanwhile."""


@dataclass(kw_only=True)
class Readings:
    """Outcomes of files by kind. ``late`` were not begun in time; a file that was deleted meanwhile is in no list."""

    read: list[LandedSource] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    failed: list[ReadFailure] = field(default_factory=list)
    late: list[LandedFile] = field(default_factory=list)

    @property
    def handled(self) -> list[LandedFile]:
        """Files that are committed or in quarantine at the end of the batch, and then deleted where they landed."""
        return [source.landed for source in self.read] + [refused.landed for refused in self.refused]


class Watch:
    """Stopwatch of one run of the function; ``seconds`` is a monotonic clock."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._end = seconds() + BEGIN_WITHIN_S

    def may_begin(self) -> bool:
        return self._seconds() < self._end

    def limit(self) -> Callable[[], None]:
        """Begin a file; return a function that raises when the file takes too long."""
        end = self._seconds() + LONGEST_FILE_S

        def check() -> None:
            if self._seconds() > end:
                raise _SlowError

        return check


def read_all(
    files: Iterable[LandedFile], watch: Watch, *, workers: int = WORKERS, small_bytes: int = SMALL_BYTES
) -> Readings:
    """Read every file; a bad file raises nothing."""
    found = Readings()
    files = list(files)
    small = [file for file in files if file.size_bytes <= small_bytes]
    large = [file for file in files if file.size_bytes > small_bytes]

    def read(file: LandedFile) -> Outcome:
        return _read(file, watch)

    def outcomes() -> Iterator[Outcome]:
        yield from each(read, small, workers=workers)
        # In parallel, all large files would be half read when the time is over.
        yield from map(read, large)

    for outcome in outcomes():
        match outcome:
            case LandedSource():
                found.read.append(outcome)
            case RefusedFile():
                found.refused.append(outcome)
            case ReadFailure():
                found.failed.append(outcome)
            case LandedFile():
                found.late.append(outcome)
    return found


def _read(file: LandedFile, watch: Watch) -> Outcome:
    if not watch.may_begin():
        return file
    try:
        check_paths([file.path])
        return file.read(watch.limit())
    except (InvalidCommitError, UnreadableError) as error:
        # Reasons are logged, and a file's name may be about a person.
        return RefusedFile(landed=file, reason=str(error).removeprefix(f"{file.path!r}: "))
    except _SlowError:
        return RefusedFile(landed=file, reason=f"reading it takes longer than {LONGEST_FILE_S} s: split it")
    except MissingObjectError:
        return None
    except (ClientError, BotoCoreError) as error:
        return ReadFailure(landed=file, error=error)
