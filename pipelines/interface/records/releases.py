"""The records of a model's releases: the champion, the lock, the release and its end."""

from dataclasses import dataclass, fields
from enum import StrEnum


class ReleaseOutcome(StrEnum):
    RELEASED = "released"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    FINISHED = "finished"
    """The flow died; the next one found that the release had taken effect."""
    UNDONE = "undone"
    """The flow died; the next one restored the previous release state."""


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The package that serves, since the release that put it into service."""

    package_arn: str
    version: int
    release_id: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """Names of endpoint configs and models that an endpoint ran on: the sweep deletes those out of use."""

    configs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReleaseLock:
    """The lock of a model's release, held while one is under way.

    ``previous`` and ``intended`` are release states as the parameter holds them. ``predecessors`` served when the
    release began, ``orphans`` are what a release that failed had put into service.
    """

    release_id: str
    execution: str
    model: str
    package_arn: str
    by: str
    rollback: bool
    previous: str
    intended: str
    predecessors: Leftovers
    begun: str
    orphans: Leftovers = Leftovers()


@dataclass(frozen=True, kw_only=True)
class ReleaseOrphans:
    """The part of a release lock that a failed release adds."""

    orphans: Leftovers


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The result of a release's golden requests: the median latency in ms, and the number of rows compared."""

    latency_ms: float
    golden_rows: int


@dataclass(frozen=True, kw_only=True)
class ReleaseEnd:
    """The part of a release that is written when it ends."""

    outcome: ReleaseOutcome
    cause: str
    ended: str
    verification: Verification | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release: the fields of its lock, and its end. ``outcome`` is None while it is under way."""

    release_id: str
    execution: str
    model: str
    package_arn: str
    by: str
    rollback: bool
    previous: str
    intended: str
    predecessors: Leftovers
    begun: str
    orphans: Leftovers = Leftovers()
    outcome: ReleaseOutcome | None = None
    cause: str = ""
    ended: str | None = None
    verification: Verification | None = None

    @classmethod
    def begun_by(cls, lock: ReleaseLock) -> "Release":
        return cls(**{field.name: getattr(lock, field.name) for field in fields(lock)})


@dataclass(frozen=True, kw_only=True)
class ConsumedApproval:
    """An approval that a release has used. Each approval has one item, so it cannot be used twice."""

    package_arn: str
    release_id: str


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """The end of a model in an environment; ``ended`` is None while it is under way.

    ``package_arn`` served until then. ``leftovers`` were deleted with the endpoint. ``erased`` says that its packages,
    files and records were deleted as well.
    """

    retirement_id: str
    model: str
    by: str
    begun: str
    package_arn: str | None = None
    leftovers: Leftovers = Leftovers()
    erased: bool = False
    ended: str | None = None
