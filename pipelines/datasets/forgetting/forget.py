"""Forgetting: a data subject's rows, or a file, leave every commit and every copy, and the history stays readable.

The order is one in which every step rests on what is there already, so that whoever breaks off can be followed by
whoever repeats it, and no reader misses anything but what is to be forgotten:

1. what is left of the contents is written as new objects, and with them the new commits: places, manifest, record;
2. tombstones say what each old commit became; they count once the old commit is no longer reached from the head;
3. the head moves, by a conditional write: a writer that was faster is not lost, all is planned anew on top of it;
4. the old objects go, in all versions; then the copies that runs made, once no run that may have read the old objects
   is under way; then the old manifests, places and records.

From step 3 on tombstones and old manifests say all that is left to do: any later forgetting of the dataset ends it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from pipelines.aws.ledger import ConflictError
from pipelines.aws.parallel import each
from pipelines.aws.s3 import Bucket, ExistsError
from pipelines.datasets.commits.commits import Dataset
from pipelines.datasets.commits.manifest import Commit
from pipelines.datasets.commits.objects import Objects
from pipelines.datasets.commits.places import Places
from pipelines.datasets.commits.sources import LocalSource
from pipelines.datasets.commits.versions import erase
from pipelines.datasets.forgetting.plan import Plan, Planner, StoredContent, count_rows, tombstones, with_predecessors
from pipelines.datasets.forgetting.run_copies import Run, copies_of, runs_of
from pipelines.datasets.forgetting.subject import Finding
from pipelines.interface import keys
from pipelines.interface.paths import forgetting_key
from pipelines.interface.times import sortable_id, written

MAX_PASSES = 20


class UnfitReasonError(ValueError):
    """The reason, which is kept for ever, names what is to be forgotten."""


class RunsUnderWayError(RuntimeError):
    """Runs that may have read what is to be forgotten are under way, and may still write copies of it."""


class FilesWaitingError(RuntimeError):
    """Landed files that hold what is to be forgotten wait for their commit, and would bring it back."""


class UnsettledError(RuntimeError):
    """Other writers brought it back, or moved the head, at every pass."""


@dataclass(kw_only=True)
class ForgettingResult:
    """The record of one forgetting: who, when, why, what it changed; never what was forgotten.

    ``commits`` is old id -> new id. ``contents`` and ``rows`` count what went; ``erased`` counts versions of objects.
    """

    id: str
    dataset: str
    what: str
    by: str
    reason: str
    begun: str
    ended: str | None = None
    commits: dict[str, str] = field(default_factory=dict)
    contents: int = 0
    rows: int | None = 0
    erased: int = 0
    runs: list[dict[str, str]] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)

    def add_runs(self, runs: Iterable[Run]) -> None:
        for run in runs:
            entry = {"model": run.model, "run_id": run.run_id}
            self.runs += [entry] if entry not in self.runs else []
            if run.package_arn and run.package_arn not in self.packages:
                self.packages.append(run.package_arn)


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """``planner`` says what is forgotten, and where; its dataset's clients may write and erase."""

    planner: Planner
    artifacts: Bucket
    audit: Bucket

    @property
    def dataset(self) -> Dataset:
        return self.planner.dataset

    def carry_out(self, plan: Plan, *, by: str, reason: str, now: datetime | None = None) -> ForgettingResult:
        """Do what is planned, and again until nothing is left; repeated after a failure, it does the rest.

        Raises
        ------
        UnfitReasonError, FilesWaitingError
            Nothing was done.
        RunsUnderWayError
            Nothing was done; or all but the copies that the runs may still write: repeat it when they have ended.
        UnsettledError
            Other writers brought it back at every pass.
        """
        self.check(plan, by=by, reason=reason)
        moment = now or datetime.now(UTC)
        record = ForgettingResult(
            id=sortable_id(moment, uuid4().hex),
            dataset=self.dataset.name,
            what=self.planner.subject.describe(),
            by=by,
            reason=reason,
            begun=written(moment),
        )
        commits: dict[str, str] = {}
        findings: dict[str, Finding] = {}
        for _ in range(MAX_PASSES):
            findings |= plan.findings
            record.contents, record.rows = len(findings), count_rows(findings.values())
            record.commits = commits | {old: new.id for old, new in plan.rewritten.items()}
            self._keep(record, "begun")
            if self._rewrite(plan, record):
                commits = record.commits
                self._erase(plan, record)
            plan = self.planner.plan()
            if plan.is_empty:
                record.commits, record.ended = commits, written(datetime.now(UTC))
                self._keep(record, "ended")
                return record
            self.check(plan, by=by, reason=reason)
        raise UnsettledError(f"dataset {self.dataset.name!r}: others wrote to it at {MAX_PASSES} passes; repeat it")

    def check(self, plan: Plan, *, by: str, reason: str) -> None:
        """Whether it can be carried out.

        Raises
        ------
        UnfitReasonError, FilesWaitingError, RunsUnderWayError
            What stands in the way must be settled first: other words, a commit of what has landed, the runs' end.
        """
        if self.planner.subject.is_named_in(f"{by} {reason}"):
            raise UnfitReasonError("the reason and who asks are kept for ever: they may not name what is forgotten")
        if plan.leftovers.waiting:
            raise FilesWaitingError(f"wait for their commit: {', '.join(plan.leftovers.waiting)}")
        _check_runs(plan.runs)

    def _keep(self, record: ForgettingResult, stage: str) -> None:
        """Where it cannot be lost: in the audit bucket each stage once, in the ledger as it is now."""
        with suppress(ExistsError):
            document = json.dumps(asdict(record), sort_keys=True).encode()
            self.audit.write_once(forgetting_key(record.dataset, record.id, stage), document)
        counts = {**asdict(record), "commits": len(record.commits), "runs": len(record.runs)}
        self.dataset.ledger.record(keys.dataset_pk(record.dataset), keys.forgetting_sk(record.id), counts)

    def _rewrite(self, plan: Plan, record: ForgettingResult) -> bool:
        """Steps 1 to 3; False if another writer has moved the head."""
        dataset = self.dataset
        objects = Objects(dataset.bucket, dataset.name, known=set())
        left = [
            (found.file, LocalSource(found.place)) for found in plan.findings.values() if found.file and found.place
        ]
        objects.take_again(left if plan.rewritten else [], workers=dataset.workers)
        pairs = [(commit, plan.rewritten[commit.id]) for commit in reversed(plan.chain) if commit.id in plan.rewritten]
        for _ in each(partial(self._publish, objects.versions), pairs, workers=dataset.workers):
            pass
        stone = {"time": record.begun, "by": record.by, "reason": record.reason}
        for old, new in pairs:
            dataset.ledger.record(keys.dataset_pk(dataset.name), keys.tombstone_sk(old.id), {**stone, "new": new.id})
        newest = plan.chain[0]
        try:
            # Also where the head stays: a writer that has looked at what is about to go must look again.
            dataset.move_head(plan.rewritten.get(newest.id, newest), plan.head)
        except ConflictError:
            return False
        return True

    def _publish(self, versions: Mapping[str, str | None], pair: tuple[Commit, Commit]) -> None:
        old, new = pair
        known = Places.read(self.dataset.bucket, self.dataset.name, old).versions
        self.dataset.publish(new, {**known, **versions})

    def _erase(self, plan: Plan, record: ForgettingResult) -> None:
        """Step 4."""
        dataset, stored = self.dataset, StoredContent.of(self.dataset)
        alive = [plan.rewritten.get(commit.id, commit) for commit in plan.chain]
        needed = {file.sha256 for commit in alive for file in commit.files}
        self._erase_commits([commit.id for commit in plan.loose], stored, record)
        dead = {commit_id: stored.manifest(commit_id) for commit_id in {*plan.dead, *plan.rewritten}}
        held = {file.sha256 for commit in dead.values() if commit for file in commit.files}
        gone = (held | plan.findings.keys()) - needed
        record.erased += erase(dataset.bucket, (each.place for digest in gone for each in stored.of_object(digest)))
        # Of a damaged manifest nobody can say that it held nothing; one that is erased comes after its runs' copies.
        holding = [
            old
            for old, commit in dead.items()
            if (any(file.sha256 in gone for file in commit.files) if commit else old in stored.commits)
        ]
        runs = runs_of(dataset.ledger, dataset.name, with_predecessors(holding, tombstones(dataset)))
        _check_runs(runs)
        record.add_runs(runs)
        record.erased += erase(self.artifacts, (copy.place for run in runs for copy in copies_of(self.artifacts, run)))
        record.erased += erase(dataset.bucket, (each.place for each in plan.leftovers.versions))
        self._erase_commits(dead, stored, record)

    def _erase_commits(self, commit_ids: Collection[str], stored: StoredContent, record: ForgettingResult) -> None:
        """Manifests, places, and last the ledger's records, by which they are found."""
        record.erased += erase(
            self.dataset.bucket, (each.place for old in commit_ids for each in stored.of_commit(old))
        )
        pk = keys.dataset_pk(self.dataset.name)
        for sk in map(keys.commit_sk, commit_ids):
            if item := self.dataset.ledger.get(pk, sk):
                self.dataset.ledger.delete(pk, sk, expected={"manifest_sha256": item["manifest_sha256"]})


def _check_runs(runs: Iterable[Run]) -> None:
    active = [f"{run.model} {run.run_id}" for run in runs if not run.ended]
    if active:
        raise RunsUnderWayError(f"runs that may have read it are under way: {', '.join(active)}")
