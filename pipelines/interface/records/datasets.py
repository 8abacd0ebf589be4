"""The records of a dataset: its head, commits, landed files and forgettings."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest commit of a dataset; ``number`` counts how often the head moved."""

    commit: str
    number: int
    tree: str


@dataclass(frozen=True, kw_only=True)
class CommitRecord:
    """A commit as it was published; ``manifest_sha256`` is the digest of the manifest's bytes."""

    tree: str
    parent: str | None
    time: str
    manifest_sha256: str


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """A commit that was rewritten to forget something; ``new`` is the commit that replaces it."""

    new: str
    time: str
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ForgettingRecord:
    """A forgetting, with counts of its changes and nothing of the forgotten data. ``rows`` is None if unknown."""

    id: str
    dataset: str
    what: str
    by: str
    reason: str
    begun: str
    ended: str | None
    commits: int
    contents: int
    rows: int | None
    erased: int
    runs: int
    packages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LandingBatch:
    """Landed files that were handled together.

    ``commit`` is the commit whose retrainings the batch requested; None if the head held the files already.
    """

    dataset: str
    time: str
    commit: str | None
    files: int
    bytes: int
    quarantined: int
    superseded: int


@dataclass(frozen=True, kw_only=True)
class LandingLockState:
    """The lock of a dataset's landing. ``asked`` is set by a run that finds it taken: the holder then lists again.

    ``expires_at`` is in seconds since the epoch.
    """

    holder: str
    expires_at: int
    asked: bool
