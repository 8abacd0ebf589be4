"""A dataset's history in the ledger: its head, the order of its commits, and tombstones of rewritten commits."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.aws.ledger import Ledger
from pipelines.datasets.commits.manifest import InvalidCommitError
from pipelines.interface import keys
from pipelines.interface.records import CommitRecord, Head, Tombstone

MIN_PREFIX = 6
"""Smallest number of digits by which a commit can be named."""


class NoDataError(LookupError):
    """The dataset has no such commit, or none yet."""


class AmbiguousCommitError(NoDataError):
    """Several commits begin with the given digits."""


class RewrittenCommitError(NoDataError):
    """The commit was rewritten to forget something; ``new`` is the id of the commit that replaces it."""

    def __init__(self, dataset: str, old: str, tombstone: Tombstone) -> None:
        super().__init__(
            f"dataset {dataset!r}: commit {old} was rewritten to forget something; it is {tombstone.new} now "
            f"({tombstone.time}, {tombstone.by}: {tombstone.reason})"
        )
        self.new = tombstone.new


@dataclass(frozen=True, kw_only=True)
class LoggedCommit:
    """A commit's id, and its record in the ledger."""

    id: str
    record: CommitRecord


@dataclass(frozen=True, kw_only=True)
class History:
    """Reader of one dataset's part of the ledger."""

    dataset: str
    ledger: Ledger

    def head(self) -> Head | None:
        """Return the head, or None if nothing was committed."""
        return self.ledger.get(keys.head(self.dataset))

    def record(self, commit_id: str) -> CommitRecord | None:
        return self.ledger.get(keys.commit(self.dataset, commit_id))

    def chain(self) -> Iterator[LoggedCommit]:
        """Yield the head and its ancestors, newest first; a recorded commit that never became a head is left out.

        Raises
        ------
        InvalidCommitError
            The ledger lacks one of them.
        """
        head = self.head()
        if head is None:
            return
        # Read after the head: every commit that the head leads to was recorded before it.
        records = dict(self.ledger.query(keys.commits(self.dataset)))
        commit_id: str | None = head.commit
        while commit_id:
            if commit_id not in records:
                raise InvalidCommitError(f"dataset {self.dataset!r}: the ledger has no record of commit {commit_id}")
            record = records.pop(commit_id)
            yield LoggedCommit(id=commit_id, record=record)
            commit_id = record.parent

    def find(self, text: str, *, follow: bool = False) -> str:
        """Return the id that ``text`` means: ``HEAD``, ``HEAD~2``, an id, or its first digits, at least six.

        With ``follow``, a rewritten commit gives the id of its replacement; else it is an error.

        Raises
        ------
        AmbiguousCommitError, RewrittenCommitError, NoDataError
        """
        name, _, steps = text.partition("~")
        if name == "HEAD":
            return self._before_head(text, steps)
        if len(text) < MIN_PREFIX or not set(text) <= set("0123456789abcdef"):
            raise NoDataError(f"{text!r} names no commit: give HEAD, HEAD~2, or at least {MIN_PREFIX} digits of an id")
        found = [commit.id for commit in self.chain() if commit.id.startswith(text)]
        if not found:
            return self._rewritten(text, follow=follow)
        if len(found) > 1:
            raise AmbiguousCommitError(f"{text!r} begins several commits: {', '.join(found)}; give more digits")
        return found[0]

    def _before_head(self, text: str, steps: str) -> str:
        if text != "HEAD" and not steps.isdecimal():
            raise NoDataError(f"{text!r} names no commit: after HEAD comes ~ and a number")
        ids = [commit.id for commit in self.chain()]
        if not ids:
            raise NoDataError(f"dataset {self.dataset!r} has no commit yet: commit files first")
        if int(steps or 0) >= len(ids):
            raise NoDataError(f"{text!r}: dataset {self.dataset!r} has {len(ids)} commits only")
        return ids[int(steps or 0)]

    def _rewritten(self, text: str, *, follow: bool) -> str:
        items = self.ledger.query(keys.tombstones(self.dataset).beginning(text))
        found = [(text + rest, tombstone) for rest, tombstone in items]
        if not found:
            raise NoDataError(f"dataset {self.dataset!r} has no commit {text}")
        if len(found) > 1:
            ids = ", ".join(commit_id for commit_id, _ in found)
            raise AmbiguousCommitError(f"{text!r} begins several rewritten commits: {ids}; give more digits")
        ((old, tombstone),) = found
        if not follow:
            raise RewrittenCommitError(self.dataset, old, tombstone)
        return self.find(tombstone.new, follow=True)

    def absence_of(self, commit_id: str) -> NoDataError:
        """Return the error for a commit that is not there: it was rewritten, or it never existed."""
        if tombstone := self.ledger.get(keys.tombstone(self.dataset, commit_id)):
            return RewrittenCommitError(self.dataset, commit_id, tombstone)
        return NoDataError(f"dataset {self.dataset!r} has no commit {commit_id}")
