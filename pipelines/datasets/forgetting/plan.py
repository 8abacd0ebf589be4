"""Plan a forgetting: search everything that the dataset has stored.

It covers the commits from the head on, commits of writers that lost or died, contents that no commit names, the rest of
an interrupted forgetting, the runs that read any of these, and files that landed or are in quarantine.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

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
from pipelines.interface.records import Head


class UnsearchableError(RuntimeError):
    """Contents of commits could not be searched: they may hold what is to be forgotten."""


@dataclass(frozen=True, kw_only=True)
class StoredContent:
    """Versions of all objects below the dataset's prefix, by key, newest first."""

    dataset: Dataset
    versions: Mapping[str, list[Version]]

    @classmethod
    def of(cls, dataset: Dataset) -> "StoredContent":
        versions: dict[str, list[Version]] = {}
        for version in list_versions(dataset.bucket, f"datasets/{dataset.name}/"):
            versions.setdefault(version.key, []).append(version)
        return cls(dataset=dataset, versions=versions)

    def names(self, first: str, last: str = "") -> set[str]:
        """Return the parts of keys between ``first``, with which they begin, and ``last``."""
        return {key[len(first) : len(key) - len(last)] for key in self.versions if key.startswith(first)}

    @cached_property
    def commits(self) -> set[str]:
        """Ids of the commits with a manifest."""
        first, last = commit_key(self.dataset.name, "\0").split("\0")
        return self.names(first, last)

    @cached_property
    def described(self) -> set[str]:
        """Ids of the commits with places."""
        first, last = places_key(self.dataset.name, "\0").split("\0")
        return self.names(first, last)

    @cached_property
    def objects(self) -> set[str]:
        return self.names(object_key(self.dataset.name, ""))

    def manifest(self, commit_id: str) -> Commit | None:
        """Return the commit from the newest sound version of its manifest, or None."""
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
        """Return all versions of the commit's manifest and places."""
        name = self.dataset.name
        return [
            version
            for key in (commit_key(name, commit_id), places_key(name, commit_id))
            for version in self.versions.get(key, ())
        ]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that one forgetting changes.

    ``chain`` is the history, newest first; ``rewritten`` is old id -> new commit for the part of it that changes.
    ``findings`` are the contents to remove, by digest. ``loose`` are commits that hold some of them and never became
    the head. ``dead`` are commits that were rewritten before and are not erased yet. ``unsearchable`` names contents
    and manifests that cannot be read.
    """

    head: Head
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
        """Number of rows to remove; see ``count_rows``."""
        return count_rows(self.findings.values())

    @property
    def packages(self) -> list[str]:
        """Model packages that were trained on it."""
        return sorted({run.package_arn for run in self.runs if run.package_arn})


def count_rows(findings: Iterable[Finding]) -> int | None:
    """Return the number of rows, each counted once for every content that has it; None if it is unknown."""
    counts = [finding.rows for finding in findings]
    return None if None in counts else sum(count or 0 for count in counts)


def tombstones(dataset: Dataset) -> dict[str, str]:
    """Return the new commit of every old one that was ever rewritten."""
    return {old: tombstone.new for old, tombstone in dataset.ledger.query(keys.tombstones(dataset.name))}


def with_predecessors(commit_ids: Iterable[str], rewritten: Mapping[str, str]) -> set[str]:
    """Return the commits and all that were rewritten to them: runs were planned from those."""
    found = set(commit_ids)
    while more := {old for old, new in rewritten.items() if new in found} - found:
        found |= more
    return found


@dataclass(kw_only=True)
class Planner:
    """Maker of plans for one subject; it reads each content once. ``folder`` keeps the remaining rows of files."""

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
        """Search everything that is stored.

        Raises
        ------
        NoDataError
            The dataset has no commit.
        UnsearchableError
            Contents of commits cannot be searched; all are named.
        InvalidCommitError
            A manifest of the history is damaged.
        """
        dataset = self.dataset
        head = dataset.history.head()
        if head is None:
            raise NoDataError(f"dataset {dataset.name!r} has no commit yet: there is nothing to forget")
        chain = tuple(dataset.log(head.commit))
        stored, replaced_by = StoredContent.of(dataset), tombstones(dataset)
        alive = {commit.id for commit in chain}
        dead = tuple(sorted((stored.commits | stored.described | self._recorded()) & replaced_by.keys() - alive))
        read = {commit_id: stored.manifest(commit_id) for commit_id in stored.commits - alive - replaced_by.keys()}
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
            runs=tuple(runs_of(dataset.ledger, dataset.name, with_predecessors([*holding, *dead], replaced_by))),
            leftovers=search.run(),
            unsearchable=(*unread, *unsearchable),
        )

    def _recorded(self) -> set[str]:
        return {commit_id for commit_id, _ in self.dataset.ledger.query(keys.commits(self.dataset.name))}

    def _find(
        self, chain: Iterable[Commit], others: Iterable[Commit], stored: StoredContent
    ) -> tuple[dict[str, Finding], list[str]]:
        """Return the contents to remove, and the problems of contents outside the history that cannot be searched."""
        named = {file.sha256: file for commit in chain for file in commit.files}
        loose = {file.sha256: file for commit in others for file in commit.files}
        if isinstance(self.subject, WholeFile):
            path = self.subject.path
            files = [file for commit in (*chain, *others) for file in commit.files if file.path == path]
            return {file.sha256: Finding(rows=file.rows, file=None, place=None) for file in files}, []
        assert self.scan is not None
        problems = self.scan.search(named.values(), stored.versions, on_progress=self.on_progress)
        if problems:
            raise UnsearchableError("; ".join(problems))
        strays = [
            loose.get(digest) or File(path="", sha256=digest, size_bytes=0) for digest in stored.objects - named.keys()
        ]
        unsearchable = self.scan.search(strays, stored.versions)
        present = named.keys() | stored.objects
        return {digest: found for digest, found in self.scan.found.items() if digest in present}, unsearchable
