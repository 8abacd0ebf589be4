"""Reading landed files within a Lambda's time: small ones side by side, large ones one after the other."""

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
"""After so long no other file is begun: what is read has to be committed within the rest of the function's time."""
LONGEST_FILE_S = 300
"""A file that takes longer would, alone and each time anew, use up the function's time."""
SMALL_BYTES = 64 << 20


class _SlowError(Exception):
    pass


@dataclass(frozen=True, kw_only=True)
class ReadFailure:
    """A landed file that S3 did not give."""

    landed: LandedFile
    error: Exception


Outcome = LandedSource | RefusedFile | ReadFailure | LandedFile | None
"""What became of a file: read, refused, not given; a file is late, and None is gone."""


@dataclass(kw_only=True)
class Readings:
    """What became of the files: ``late`` are those that time did not reach; what is gone is in no list."""

    read: list[LandedSource] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    failed: list[ReadFailure] = field(default_factory=list)
    late: list[LandedFile] = field(default_factory=list)

    @property
    def dealt_with(self) -> list[LandedFile]:
        return [source.landed for source in self.read] + [refused.landed for refused in self.refused]


class Watch:
    """How long a run of the function has taken; ``seconds`` is a monotonic clock."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._end = seconds() + BEGIN_WITHIN_S

    def may_begin(self) -> bool:
        return self._seconds() < self._end

    def limit(self) -> Callable[[], None]:
        """Begin a file; what is returned is to be called while it is read, and raises when that takes too long."""
        end = self._seconds() + LONGEST_FILE_S

        def check() -> None:
            if self._seconds() > end:
                raise _SlowError

        return check


def read_all(files: Iterable[LandedFile], watch: Watch, *, workers: int = WORKERS) -> Readings:
    """Read every file; nothing is raised for what one of them is."""
    found = Readings()
    files = list(files)
    small = [file for file in files if file.size_bytes <= SMALL_BYTES]
    large = [file for file in files if file.size_bytes > SMALL_BYTES]

    def read(file: LandedFile) -> Outcome:
        return _read(file, watch)

    def outcomes() -> Iterator[Outcome]:
        yield from each(read, small, workers=workers)
        # Side by side, large files would all be half read when the time is over.
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
        return RefusedFile(landed=file, reason=str(error))
    except _SlowError:
        return RefusedFile(landed=file, reason=f"reading it takes longer than {LONGEST_FILE_S} s: split it")
    except MissingObjectError:
        return None
    except (ClientError, BotoCoreError) as error:
        return ReadFailure(landed=file, error=error)
