"""What forgetting somebody's rows, or a file, takes: found by looking at everything that the dataset has stored.

Not only the commits from the head on: also commits of writers that lost or died, contents that no commit names, what an
earlier forgetting left when it broke off, the runs that read any of it, and files that landed or are in quarantine.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.aws.s3 import MissingObjectError
from pipelines.datasets.commits.commits import Dataset, NoDataError
from pipelines.datasets.commits.manifest import Commit, File, InvalidCommitError
from pipelines.datasets.commits.sources import Progress
from pipelines.datasets.commits.verify import read_manifest
from pipelines.datasets.commits.versions import Version, list_versions
from pipelines.datasets.forgetting.leftovers import Leftovers, Search
from pipelines.datasets.forgetting.rewriting import holds, rewrite
from pipelines.datasets.forgetting.run_copies import Run, runs_of
from pipelines.datasets.forgetting.scan import Scan
from pipelines.datasets.forgetting.subject import Finding, Rows, Subject, WholeFile
from pipelines.interface import keys
from pipelines.interface.paths import commit_key, object_key, places_key


class UnsearchableError(RuntimeError):
    """Contents of commits could not be looked at: nobody can say whether they hold what is to be forgotten."""


@dataclass(frozen=True, kw_only=True)
class StoredContent:
    """Every version below the dataset's prefix, by key, newest first."""

    dataset: Dataset
    versions: Mapping[str, list[Version]]

    @classmethod
    def of(cls, dataset: Dataset) -> "StoredContent":
        versions: dict[str, list[Version]] = {}
        for version in list_versions(dataset.bucket, f"datasets/{dataset.name}/"):
            versions.setdefault(version.key, []).append(version)
        return cls(dataset=dataset, versions=versions)

    def names(self, first: str, last: str = "") -> set[str]:
        """What stands between ``first`` and ``last`` in keys that begin and end so."""
        return {key[len(first) : len(key) - len(last)] for key in self.versions if key.startswith(first)}

    @cached_property
    def commits(self) -> set[str]:
        """The ids of the commits whose manifest is there."""
        first, last = commit_key(self.dataset.name, "\0").split("\0")
        return self.names(first, last)

    @cached_property
    def described(self) -> set[str]:
        """The ids of the commits whose places are there."""
        first, last = places_key(self.dataset.name, "\0").split("\0")
        return self.names(first, last)

    @cached_property
    def objects(self) -> set[str]:
        return self.names(object_key(self.dataset.name, ""))

    def manifest(self, commit_id: str) -> Commit | None:
        """The commit by the newest version of its manifest that is sound, or None."""
        name = self.dataset.name
        for version in self.versions.get(commit_key(name, commit_id), ()):
            try:
                if not version.is_marker:
                    content = self.dataset.bucket.open(version.key, version.id).read()
                    return read_manifest(content, name, commit_id)
            except (MissingObjectError, InvalidCommitError):
                continue
        return None

    def of_object(self, digest: str) -> list[Version]:
        return self.versions.get(object_key(self.dataset.name, digest), [])

    def of_commit(self, commit_id: str) -> list[Version]:
        """All versions of its manifest and of its places."""
        name = self.dataset.name
        return [
            version
            for key in (commit_key(name, commit_id), places_key(name, commit_id))
            for version in self.versions.get(key, ())
        ]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``chain`` is the history, newest first; ``rewritten`` old id -> new commit, for all of it that changes.

    ``findings``: the contents that go, by digest. ``loose``: commits that hold some and never came to be the head.
    ``dead``: commits that were rewritten before and are not erased yet. ``unsearchable``: what nobody can look into.
    """

    head: Mapping[str, Any]
    chain: tuple[Commit, ...]
    rewritten: Mapping[str, Commit] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    loose: tuple[Commit, ...] = ()
    dead: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()
    leftovers: Leftovers = field(default_factory=Leftovers)
    unsearchable: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.findings or self.dead or self.leftovers.versions or self.leftovers.waiting)

    @property
    def rows(self) -> int | None:
        """Rows that go; see ``count_rows``."""
        return count_rows(self.findings.values())

    @property
    def packages(self) -> list[str]:
        """The model packages that have learned from it."""
        return sorted({run.package_arn for run in self.runs if run.package_arn})


def count_rows(findings: Iterable[Finding]) -> int | None:
    """Rows, each counted once for every content that has it; None if nobody knows."""
    counts = [finding.rows for finding in findings]
    return None if None in counts else sum(count or 0 for count in counts)


def tombstones(dataset: Dataset) -> dict[str, str]:
    """Old commit -> new commit, of everything that was ever rewritten."""
    items = dataset.ledger.query(keys.dataset_pk(dataset.name), keys.tombstone_sk(""))
    return {item["sk"].removeprefix(keys.tombstone_sk("")): item["new"] for item in items}


def with_predecessors(commit_ids: Iterable[str], stones: Mapping[str, str]) -> set[str]:
    """The commits and all that were rewritten to them: runs were planned from those."""
    found = set(commit_ids)
    while more := {old for old, new in stones.items() if new in found} - found:
        found |= more
    return found


@dataclass(kw_only=True)
class Planner:
    """Makes plans for one subject, reading each content once. ``folder`` takes what is left of files."""

    dataset: Dataset
    subject: Subject
    folder: Path
    on_progress: Progress | None = None

    @cached_property
    def scan(self) -> Scan | None:
        if not isinstance(self.subject, Rows):
            return None
        return Scan(bucket=self.dataset.bucket, dataset=self.dataset.name, rows=self.subject, folder=self.folder)

    def plan(self) -> Plan:
        """Look at everything.

        Raises
        ------
        NoDataError
            The dataset has no commit.
        UnsearchableError
            Contents of commits cannot be looked at; all are named.
        InvalidCommitError
            A manifest of the history is damaged.
        """
        dataset = self.dataset
        head = dataset.history.head_item()
        if head is None:
            raise NoDataError(f"dataset {dataset.name!r} has no commit yet: there is nothing to forget")
        chain = tuple(dataset.log(head["commit"]))
        stored, stones = StoredContent.of(dataset), tombstones(dataset)
        alive = {commit.id for commit in chain}
        dead = tuple(sorted((stored.commits | stored.described | self._recorded()) & stones.keys() - alive))
        read = {commit_id: stored.manifest(commit_id) for commit_id in stored.commits - alive - stones.keys()}
        others = [commit for _, commit in sorted(read.items()) if commit]
        unread = [commit_key(dataset.name, commit_id) for commit_id, commit in sorted(read.items()) if not commit]
        findings, unsearchable = self._find(chain, others, stored)
        replaced = {digest: finding.file for digest, finding in findings.items()}
        rewritten = rewrite(reversed(chain), replaced)
        holding = [commit.id for commit in chain if holds(commit, replaced)]
        search = Search(
            bucket=dataset.bucket, dataset=dataset.name, subject=self.subject, gone=findings, folder=self.folder
        )
        return Plan(
            head=head,
            chain=chain,
            rewritten=rewritten,
            findings=findings,
            loose=tuple(commit for commit in others if holds(commit, replaced)),
            dead=dead,
            runs=tuple(runs_of(dataset.ledger, dataset.name, with_predecessors([*holding, *dead], stones))),
            leftovers=search.run(),
            unsearchable=(*unread, *unsearchable),
        )

    def _recorded(self) -> set[str]:
        records = self.dataset.ledger.query(keys.dataset_pk(self.dataset.name), keys.commit_sk(""))
        return {record["sk"].removeprefix(keys.commit_sk("")) for record in records}

    def _find(
        self, chain: Iterable[Commit], others: Iterable[Commit], stored: StoredContent
    ) -> tuple[dict[str, Finding], list[str]]:
        """The contents that go, and what could not be looked into."""
        named = {file.sha256: file for commit in chain for file in commit.files}
        loose = {file.sha256: file for commit in others for file in commit.files}
        if isinstance(self.subject, WholeFile):
            path = self.subject.path
            files = [file for commit in (*chain, *others) for file in commit.files if file.path == path]
            return {file.sha256: Finding(rows=file.rows, file=None, place=None) for file in files}, []
        assert self.scan is not None
        problems = self.scan.look(named.values(), stored.versions, on_progress=self.on_progress)
        if problems:
            raise UnsearchableError("; ".join(problems))
        strays = [
            loose.get(digest) or File(path="", sha256=digest, size_bytes=0) for digest in stored.objects - named.keys()
        ]
        unsearchable = self.scan.look(strays, stored.versions)
        present = named.keys() | stored.objects
        return {digest: found for digest, found in self.scan.found.items() if digest in present}, unsearchable
