"""A dataset's history as its ledger has it: which commits there are, in which order, and what became of some."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipelines.aws.ledger import Ledger
from pipelines.datasets.commits.manifest import InvalidCommitError
from pipelines.interface import keys

MIN_PREFIX = 6


class NoDataError(LookupError):
    """The dataset has no such commit, or none yet."""


class AmbiguousCommitError(NoDataError):
    """Several commits begin with the digits given."""


class RewrittenCommitError(NoDataError):
    """The commit was rewritten because something in it had to be forgotten; ``new`` is what it became."""

    def __init__(self, dataset: str, old: str, stone: Mapping[str, Any]) -> None:
        super().__init__(
            f"dataset {dataset!r}: commit {old} was rewritten to forget something; it is {stone['new']} now "
            f"({stone['time']}, {stone['by']}: {stone['reason']})"
        )
        self.new = str(stone["new"])


@dataclass(frozen=True, kw_only=True)
class CommitRecord:
    """What the ledger says of a commit; ``manifest_sha256`` is the digest of the manifest's bytes."""

    id: str
    tree: str
    parent: str | None
    time: str
    manifest_sha256: str

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        return cls(
            id=item["sk"].removeprefix(keys.commit_sk("")),
            tree=item["tree"],
            parent=item["parent"],
            time=item["time"],
            manifest_sha256=item["manifest_sha256"],
        )

    def to_item(self) -> dict[str, Any]:
        return {
            "tree": self.tree,
            "parent": self.parent,
            "time": self.time,
            "manifest_sha256": self.manifest_sha256,
        }


@dataclass(frozen=True, kw_only=True)
class History:
    """One dataset's part of the ledger, as it is read."""

    dataset: str
    ledger: Ledger

    def head_item(self) -> dict[str, Any] | None:
        """{commit, number, tree}, or None if nothing was committed."""
        return self.ledger.get(keys.dataset_pk(self.dataset), keys.HEAD)

    def record(self, commit_id: str) -> CommitRecord | None:
        item = self.ledger.get(keys.dataset_pk(self.dataset), keys.commit_sk(commit_id))
        return CommitRecord.from_item(item) if item else None

    def chain(self) -> Iterator[CommitRecord]:
        """The head and its ancestors, newest first. What was written but never became a head is not among them.

        Raises
        ------
        InvalidCommitError
            The ledger lacks one of them.
        """
        head = self.head_item()
        if head is None:
            return
        # After the head: whatever it leads to was recorded before it.
        items = self.ledger.query(keys.dataset_pk(self.dataset), keys.commit_sk(""))
        records = {record.id: record for record in map(CommitRecord.from_item, items)}
        commit_id = head["commit"]
        while commit_id:
            if commit_id not in records:
                raise InvalidCommitError(f"dataset {self.dataset!r}: the ledger has no record of commit {commit_id}")
            record = records.pop(commit_id)
            yield record
            commit_id = record.parent

    def find(self, text: str, *, follow: bool = False) -> str:
        """The id that ``text`` means: ``HEAD``, ``HEAD~2``, an id, or its first digits, at least six.

        A commit that was rewritten is refused, or with ``follow`` answered with what it became.

        Raises
        ------
        AmbiguousCommitError, RewrittenCommitError, NoDataError
        """
        name, _, steps = text.partition("~")
        if name == "HEAD":
            return self._before_head(text, steps)
        if len(text) < MIN_PREFIX or not set(text) <= set("0123456789abcdef"):
            raise NoDataError(f"{text!r} names no commit: give HEAD, HEAD~2, or at least {MIN_PREFIX} digits of an id")
        found = [record.id for record in self.chain() if record.id.startswith(text)]
        if not found:
            return self._rewritten(text, follow=follow)
        if len(found) > 1:
            raise AmbiguousCommitError(f"{text!r} begins several commits: {', '.join(found)}")
        return found[0]

    def _before_head(self, text: str, steps: str) -> str:
        if text != "HEAD" and not steps.isdecimal():
            raise NoDataError(f"{text!r} names no commit: after HEAD comes ~ and a number")
        ids = [record.id for record in self.chain()]
        if not ids:
            raise NoDataError(f"dataset {self.dataset!r} has no commit yet: commit files first")
        if int(steps or 0) >= len(ids):
            raise NoDataError(f"{text!r}: dataset {self.dataset!r} has {len(ids)} commits only")
        return ids[int(steps or 0)]

    def _rewritten(self, text: str, *, follow: bool) -> str:
        items = self.ledger.query(keys.dataset_pk(self.dataset), keys.tombstone_sk(text))
        stones = {item["sk"].removeprefix(keys.tombstone_sk("")): item for item in items}
        if not stones:
            raise NoDataError(f"dataset {self.dataset!r} has no commit {text}")
        if len(stones) > 1:
            raise AmbiguousCommitError(f"{text!r} begins several rewritten commits: {', '.join(sorted(stones))}")
        ((old, stone),) = stones.items()
        if not follow:
            raise RewrittenCommitError(self.dataset, old, stone)
        return self.find(stone["new"], follow=True)

    def absence_of(self, commit_id: str) -> NoDataError:
        """Why there is no such commit: it was rewritten, or it never was."""
        stone = self.ledger.get(keys.dataset_pk(self.dataset), keys.tombstone_sk(commit_id))
        if stone:
            return RewrittenCommitError(self.dataset, commit_id, stone)
        return NoDataError(f"dataset {self.dataset!r} has no commit {commit_id}")
