"""Forgetting: erase a data subject's rows, or a file, from every commit and copy; the history stays readable.

Every step refers only to what exists already. So an interrupted forgetting can be repeated, and a reader misses only
what is forgotten:

1. write the remaining rows as new objects, and the new commits: places, manifest, record;
2. write a tombstone for each old commit; it counts once the head no longer leads to the old commit;
3. move the head by a conditional write: if another writer moved it, plan again on top of that writer's commit;
4. erase the old objects in all versions; then the copies that runs made, once no run that may have read the old objects
   is under way; then the old manifests, places and records.

From step 3 on, tombstones and old manifests hold all that is left to do: any later forgetting of the dataset finishes
it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
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
from pipelines.datasets.forgetting.run_copies import Run, RunName, copies_of, runs_of
from pipelines.datasets.forgetting.subject import Finding
from pipelines.interface import keys
from pipelines.interface.codec import to_json
from pipelines.interface.paths import forgetting_key
from pipelines.interface.records import ForgettingRecord, Tombstone
from pipelines.interface.times import format_time, sortable_id

MAX_PASSES = 20


class UnfitReasonError(ValueError):
    """The reason, which is kept for ever, names what is to be forgotten."""


class RunsUnderWayError(RuntimeError):
    """Runs under way may have read what is to be forgotten, and may still write copies of it."""


class FilesWaitingError(RuntimeError):
    """Landed files hold what is to be forgotten; their commit would bring it back."""


class UnsettledError(RuntimeError):
    """Other writers brought the subject back, or moved the head, at every pass."""


@dataclass(kw_only=True)
class ForgettingResult:
    """Result of one forgetting: who, when, why, and what it changed; never what was forgotten.

    ``commits`` is old id -> new id. ``contents`` and ``rows`` count what was removed, ``rows`` None if unknown;
    ``erased`` counts erased versions of objects.
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
    runs: list[RunName] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)

    def add_runs(self, runs: Iterable[Run]) -> None:
        for run in runs:
            name = RunName(model=run.model, run_id=run.run_id)
            self.runs += [name] if name not in self.runs else []
            if run.package_arn and run.package_arn not in self.packages:
                self.packages.append(run.package_arn)

    def to_record(self) -> ForgettingRecord:
        """Return the ledger's record, which has numbers of commits and runs instead of their ids."""
        return ForgettingRecord(
            id=self.id,
            dataset=self.dataset,
            what=self.what,
            by=self.by,
            reason=self.reason,
            begun=self.begun,
            ended=self.ended,
            commits=len(self.commits),
            contents=self.contents,
            rows=self.rows,
            erased=self.erased,
            runs=len(self.runs),
            packages=tuple(self.packages),
        )


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """Executes plans. ``planner`` has the subject and the dataset, whose clients may write and erase."""

    planner: Planner
    artifacts: Bucket
    audit: Bucket

    @property
    def dataset(self) -> Dataset:
        return self.planner.dataset

    def carry_out(self, plan: Plan, *, by: str, reason: str, now: datetime | None = None) -> ForgettingResult:
        """Carry out the plan, and plan again until nothing is left; a repetition after a failure does the rest.

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
        result = ForgettingResult(
            id=sortable_id(moment, uuid4().hex),
            dataset=self.dataset.name,
            what=self.planner.subject.describe(),
            by=by,
            reason=reason,
            begun=format_time(moment),
        )
        commits: dict[str, str] = {}
        findings: dict[str, Finding] = {}
        for _ in range(MAX_PASSES):
            findings |= plan.findings
            result.contents, result.rows = len(findings), count_rows(findings.values())
            result.commits = commits | {old: new.id for old, new in plan.rewritten.items()}
            self._keep(result, "begun")
            if self._rewrite(plan, result):
                commits = result.commits
                self._erase(plan, result)
            plan = self.planner.plan()
            if plan.is_empty:
                result.commits, result.ended = commits, format_time(datetime.now(UTC))
                self._keep(result, "ended")
                return result
            self.check(plan, by=by, reason=reason)
        raise UnsettledError(
            f"dataset {self.dataset.name!r}: other writers wrote to it at {MAX_PASSES} passes; repeat the forgetting"
        )

    def check(self, plan: Plan, *, by: str, reason: str) -> None:
        """Raise an error if the plan cannot be carried out now.

        Raises
        ------
        UnfitReasonError
            ``by`` or ``reason`` names the subject: use other words.
        FilesWaitingError
            Landed files hold it: wait for their commit.
        RunsUnderWayError
            Runs may still copy it: wait for their end.
        """
        if self.planner.subject.is_named_in(f"{by} {reason}"):
            raise UnfitReasonError(
                "the reason and the name of who asks are kept for ever: they may not name the subject"
            )
        if plan.leftovers.waiting:
            raise FilesWaitingError(
                f"landed files hold it and are not committed yet, wait for that: {', '.join(plan.leftovers.waiting)}"
            )
        _check_runs(plan.runs)

    def _keep(self, result: ForgettingResult, stage: str) -> None:
        """Write the result: to the audit bucket once for each stage, to the ledger as it is now."""
        with suppress(ExistsError):
            document = json.dumps(to_json(result), sort_keys=True).encode()
            self.audit.write_once(forgetting_key(result.dataset, result.id, stage), document)
        self.dataset.ledger.record(keys.forgetting(result.dataset, result.id), result.to_record())

    def _rewrite(self, plan: Plan, result: ForgettingResult) -> bool:
        """Carry out steps 1 to 3; return False if another writer has moved the head."""
        dataset = self.dataset
        objects = Objects(dataset.bucket, dataset.name, known=set())
        remaining = [
            (found.file, LocalSource(found.place)) for found in plan.findings.values() if found.file and found.place
        ]
        objects.take_again(remaining if plan.rewritten else [], workers=dataset.workers)
        pairs = [(commit, plan.rewritten[commit.id]) for commit in reversed(plan.chain) if commit.id in plan.rewritten]
        for _ in each(partial(self._publish, objects.versions), pairs, workers=dataset.workers):
            pass
        for old, new in pairs:
            tombstone = Tombstone(new=new.id, time=result.begun, by=result.by, reason=result.reason)
            dataset.ledger.record(keys.tombstone(dataset.name, old.id), tombstone)
        newest = plan.chain[0]
        try:
            # The head moves even to the same commit: a writer that has read what is erased next must read again.
            dataset.move_head(plan.rewritten.get(newest.id, newest), plan.head)
        except ConflictError:
            return False
        return True

    def _publish(self, versions: Mapping[str, str | None], pair: tuple[Commit, Commit]) -> None:
        old, new = pair
        known = Places.read(self.dataset.bucket, self.dataset.name, old).versions
        self.dataset.publish(new, {**known, **versions})

    def _erase(self, plan: Plan, result: ForgettingResult) -> None:
        """Carry out step 4."""
        dataset, stored = self.dataset, StoredContent.of(self.dataset)
        alive = [plan.rewritten.get(commit.id, commit) for commit in plan.chain]
        needed = {file.sha256 for commit in alive for file in commit.files}
        self._erase_commits([commit.id for commit in plan.loose], stored, result)
        dead = {commit_id: stored.manifest(commit_id) for commit_id in {*plan.dead, *plan.rewritten}}
        held = {file.sha256 for commit in dead.values() if commit for file in commit.files}
        gone = (held | plan.findings.keys()) - needed
        result.erased += erase(dataset.bucket, (each.place for digest in gone for each in stored.of_object(digest)))
        # A damaged manifest may have held the subject. An erased one was erased after its runs' copies.
        holding = [
            old
            for old, commit in dead.items()
            if (any(file.sha256 in gone for file in commit.files) if commit else old in stored.commits)
        ]
        runs = runs_of(dataset.ledger, dataset.name, with_predecessors(holding, tombstones(dataset)))
        _check_runs(runs)
        result.add_runs(runs)
        result.erased += erase(self.artifacts, (copy.place for run in runs for copy in copies_of(self.artifacts, run)))
        result.erased += erase(dataset.bucket, (each.place for each in plan.leftovers.versions))
        self._erase_commits(dead, stored, result)

    def _erase_commits(self, commit_ids: Collection[str], stored: StoredContent, result: ForgettingResult) -> None:
        """Erase manifests and places, and last the ledger's records, by which the commits are found."""
        dataset = self.dataset
        result.erased += erase(dataset.bucket, (each.place for old in commit_ids for each in stored.of_commit(old)))
        for commit_id in commit_ids:
            if record := dataset.history.record(commit_id):
                key = keys.commit(dataset.name, commit_id)
                dataset.ledger.delete(key, expected={"manifest_sha256": record.manifest_sha256})


def _check_runs(runs: Iterable[Run]) -> None:
    active = [f"{run.model} {run.run_id}" for run in runs if not run.ended]
    if active:
        raise RunsUnderWayError(f"runs that may have read it are under way: {', '.join(active)}")
