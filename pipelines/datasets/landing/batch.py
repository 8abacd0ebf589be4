"""One batch of landed files: read, committed, told and recorded, and only then deleted where they landed.

Whatever it dies at, the next batch finds the same files again: the same content makes no second commit, the same commit
asks for no second retraining, a copy in quarantine is written over by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, emit
from pipelines.aws.metrics import metrics_line
from pipelines.aws.parallel import WORKERS, each
from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.commits import Commit, Dataset, NoDataError
from pipelines.datasets.commits.versions import erase
from pipelines.datasets.landing import quarantine
from pipelines.datasets.landing.landed_files import LandedFiles, LandedSource
from pipelines.datasets.landing.learners import Learner
from pipelines.datasets.landing.quarantine import RefusedFile
from pipelines.datasets.landing.reader import Readings, Watch, read_all
from pipelines.interface import events
from pipelines.interface.landing import batch_sk, landing_pk
from pipelines.interface.times import digest, written

AUTHOR = "land_files"


class LandingFailedError(RuntimeError):
    """Landed files could not be read, though they lie there; they stay, the others are dealt with."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What became of a batch. ``files`` were committed, or were in the head already: then ``commit`` is None."""

    dataset: str
    time: str
    commit: str | None
    files: int
    bytes: int
    quarantined: int
    superseded: int


@dataclass(frozen=True, kw_only=True)
class Landing:
    """One dataset's landing in one run of the function; ``learners`` are the dataset's models."""

    services: Services
    name: str
    learners: Sequence[Learner]
    watch: Watch
    workers: int = WORKERS

    @property
    def data(self) -> Bucket:
        return self.services.bucket("data")

    @property
    def dataset(self) -> Dataset:
        return Dataset(name=self.name, bucket=self.data, ledger=self.services.ledger, workers=self.workers)

    def land(self, landed: LandedFiles, now: datetime) -> Batch | None:
        """Deal with what ``landed``, or give None if nothing has.

        Raises
        ------
        LandingFailedError
            S3 did not give some of the files; the others were dealt with.
        """
        readings = self._read(landed)
        superseded = _superseded(landed, readings)
        batch = None
        if readings.read or readings.refused:
            commit = self._commit(readings.read, now) if readings.read else None
            self._quarantine(readings.refused, superseded)
            batch = self._tell(commit, readings, superseded, now)
            # First what was overwritten: without the newest version it would look like the newest.
            erase(self.data, (refused.landed.place for refused in superseded))
            erase(self.data, (file.place for file in readings.dealt_with))
        if readings.failed:
            lines = [f"{failed.landed.key}: {failed.error}" for failed in readings.failed[: quarantine.SHOWN]]
            raise LandingFailedError(f"{len(readings.failed)} landed files could not be read:\n" + "\n".join(lines))
        return batch

    def _read(self, landed: LandedFiles) -> Readings:
        if not self.learners:
            reason = f"no model of {self.services.environment.id} learns from a dataset {self.name!r}"
            if not self.name:
                reason = "it lies in no dataset's folder: put it below landing/<dataset>/"
            return Readings(refused=[RefusedFile(landed=file, reason=reason) for file in landed.files])
        readings = read_all(landed.files, self.watch, workers=self.workers)
        try:
            standing = {file.path for file in self.dataset.head().files}
        except NoDataError:
            standing = set()
        _refuse_clashes(readings, standing)
        return readings

    def _commit(self, read: list[LandedSource], now: datetime) -> Commit:
        message = f"{len(read)} {'file' if len(read) == 1 else 'files'} landed"
        sources = {source.landed.path: source for source in read}
        return self.dataset.commit(sources, author=AUTHOR, message=message, now=now)

    def _quarantine(self, refused: list[RefusedFile], superseded: list[RefusedFile]) -> None:
        """Copy the files, alert once for all that were refused, and write the reasons: none is told of twice."""
        data = self.data

        def copy(one: RefusedFile) -> RefusedFile | None:
            if quarantine.is_kept(data, self.name, one):
                return None
            quarantine.copy(data, self.name, one)
            return one

        fresh = {one.landed.key: one for one in each(copy, refused, workers=self.workers) if one}
        if told := [fresh[key] for key in sorted(fresh)]:
            files = "file" if len(told) == 1 else "files"
            subject = (
                f"{self.services.environment.id}: {len(told)} landed {files} of {self.name or 'no dataset'} refused"
            )
            alert(self.services, subject, quarantine.describe(data, self.name, told))
        overwritten = [one for one in each(copy, superseded, workers=self.workers) if one]

        def write(one: RefusedFile) -> None:
            quarantine.write_reason(data, self.name, one)

        for _ in each(write, [*told, *overwritten], workers=self.workers):
            pass

    def _tell(self, commit: Commit | None, readings: Readings, superseded: list[RefusedFile], now: datetime) -> Batch:
        """Ask for the retrainings that a new commit is due, then record the batch, whose record says that they were."""
        # A commit of ours without a record is new, or its maker died before it told anybody.
        new = commit if commit and commit.author == AUTHOR and not self._is_recorded(commit) else None
        batch = Batch(
            dataset=self.name,
            time=written(now),
            commit=new.id if new else None,
            files=len(readings.read),
            bytes=sum(source.file.size_bytes for source in readings.read),
            quarantined=len(readings.refused),
            superseded=len(superseded),
        )
        if new:
            self._request_retrainings(new)
            key = batch_sk(new.time, new.id)
        else:
            key = batch_sk(batch.time, digest(" ".join(sorted(file.id for file in readings.dealt_with))))
        self.services.ledger.record(landing_pk(self.name), key, asdict(batch))
        metrics = {"LandedFiles": batch.files, "QuarantinedFiles": batch.quarantined}
        print(metrics_line({"Dataset": self.name}, {"Environment": self.services.environment.id}, metrics))
        return batch

    def _is_recorded(self, commit: Commit) -> bool:
        return self.services.ledger.get(landing_pk(self.name), batch_sk(commit.time, commit.id)) is not None

    def _request_retrainings(self, commit: Commit) -> None:
        trigger = {"kind": "commit", "id": commit.id, "by": commit.author, "reason": commit.message}
        for learner in self.learners:
            if learner.on_commit:
                emit(self.services, events.RETRAINING_REQUESTED, {"model": learner.model, "trigger": trigger})


def _refuse_clashes(readings: Readings, standing: set[str]) -> None:
    """Refuse each name that cannot lie beside ``standing`` ones, or those before it: "a.csv" beside "a.csv/b.csv"."""
    folders = {folder for path in standing for folder in _folders(path)}
    fitting = []
    for source in sorted(readings.read, key=lambda source: source.landed.path):
        path = source.landed.path
        if path in folders or standing.intersection(_folders(path)):
            reason = "its name is that of a folder in the dataset, or goes through a file as if it were a folder"
            readings.refused.append(RefusedFile(landed=source.landed, reason=reason))
        else:
            standing.add(path)
            folders.update(_folders(path))
            fitting.append(source)
    readings.read = fitting


def _folders(path: str) -> Iterable[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _superseded(landed: LandedFiles, readings: Readings) -> list[RefusedFile]:
    """What was overwritten by a version that is dealt with now."""
    newest = {file.key for file in readings.dealt_with}
    reason = "overwritten where it landed, before it was committed"
    return [RefusedFile(landed=file, reason=reason) for file in landed.superseded if file.key in newest]
