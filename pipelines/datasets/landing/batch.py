"""One batch of landed files: read and commit or refuse them, record the batch, and only then delete them.

If a run dies at any step, the next one finds the same files: the same content makes no second commit, the same commit
is a trigger with the same id and starts no second retraining, and a copy in quarantine is overwritten by an equal one.
If newer versions of the files landed meanwhile, the next run requests the retrainings of the dead run's commit as well.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, publish
from pipelines.aws.metrics import write_metrics
from pipelines.aws.parallel import WORKERS, each
from pipelines.aws.s3 import Bucket
from pipelines.aws.transient import TransientError, transient
from pipelines.datasets.commits.commits import Commit, Dataset, NoDataError
from pipelines.datasets.commits.versions import erase
from pipelines.datasets.landing import quarantine
from pipelines.datasets.landing.landed_files import LandedFiles, LandedSource
from pipelines.datasets.landing.learners import Learner
from pipelines.datasets.landing.quarantine import RefusedFile
from pipelines.datasets.landing.reader import SMALL_BYTES, Readings, Watch, read_all
from pipelines.interface import keys, log
from pipelines.interface.events import RetrainingRequested, TriggerRequest
from pipelines.interface.keys import Key
from pipelines.interface.metrics import Metric
from pipelines.interface.records import LandingBatch, TriggerKind
from pipelines.interface.times import digest, format_time

AUTHOR = "land_files"


class LandingFailedError(RuntimeError):
    """Landed files could not be read or committed; they stay, and the others were dealt with."""


@dataclass(frozen=True, kw_only=True)
class Landing:
    """One dataset's landing in one run of the function; ``learners`` are the dataset's models."""

    services: Services
    name: str
    learners: Sequence[Learner]
    watch: Watch
    workers: int = WORKERS
    small_bytes: int = SMALL_BYTES

    @property
    def data(self) -> Bucket:
        return self.services.bucket("data")

    @property
    def dataset(self) -> Dataset:
        return Dataset(name=self.name, bucket=self.data, ledger=self.services.ledger, workers=self.workers)

    def land(self, landed: LandedFiles, now: datetime) -> LandingBatch | None:
        """Commit or refuse the ``landed`` files; return None if there are none.

        Raises
        ------
        TransientError, LandingFailedError
            S3 did not return some of the files; after a TransientError it may do so later. The others were dealt with.
        """
        head = self._head() if self.learners else None
        readings = self._read(landed, head)
        superseded = _superseded(landed, readings)
        batch = None
        if readings.read or readings.refused:
            unfinished = head if head and self._is_unfinished(head) else None
            if unfinished:
                # Before the head moves on: later runs look at the head only.
                self._request_retrainings(unfinished)
            commit = self._commit(readings.read, now) if readings.read else unfinished
            self._quarantine(readings.refused, superseded)
            new = commit if commit and self._is_unfinished(commit) else None
            if new and new != unfinished:
                self._request_retrainings(new)
            batch = self._record(new, readings, superseded, now)
            # Older versions first: without the newest version, an older one would look like the newest.
            erase(self.data, (refused.landed.place for refused in superseded))
            erase(self.data, (file.place for file in readings.handled))
        if readings.failed:
            lines = [f"{failed.landed.key}: {failed.error}" for failed in readings.failed[: quarantine.SHOWN]]
            message = f"{len(readings.failed)} landed files could not be read:\n" + "\n".join(lines)
            if all(transient(failed.error) for failed in readings.failed):
                raise TransientError(message)
            raise LandingFailedError(message)
        return batch

    def _head(self) -> Commit | None:
        try:
            return self.dataset.head()
        except NoDataError:
            return None

    def _read(self, landed: LandedFiles, head: Commit | None) -> Readings:
        if not self.learners:
            reason = f"no model of {self.services.environment.id} learns from a dataset {self.name!r}"
            if not self.name:
                reason = "it is in no dataset's folder: put it below landing/<dataset>/"
            return Readings(refused=[RefusedFile(landed=file, reason=reason) for file in landed.files])
        readings = read_all(landed.files, self.watch, workers=self.workers, small_bytes=self.small_bytes)
        _refuse_clashes(readings, {file.path for file in head.files} if head else set())
        return readings

    def _commit(self, read: list[LandedSource], now: datetime) -> Commit:
        message = f"{len(read)} {'file' if len(read) == 1 else 'files'} landed"
        sources = {source.landed.path: source for source in read}
        return self.dataset.commit(sources, author=AUTHOR, message=message, now=now)

    def _quarantine(self, refused: list[RefusedFile], superseded: list[RefusedFile]) -> None:
        """Copy the files, send one alert for all that were refused, and write the reasons.

        A file whose reason was written before is skipped, so that no alert repeats it.
        """
        data = self.data

        def copy(one: RefusedFile) -> RefusedFile | None:
            if quarantine.is_kept(data, self.name, one):
                return None
            quarantine.copy(data, self.name, one)
            return one

        copied = {one.landed.key: one for one in each(copy, refused, workers=self.workers) if one}
        if fresh := [copied[key] for key in sorted(copied)]:
            files = "file" if len(fresh) == 1 else "files"
            subject = (
                f"{self.services.environment.id}: {len(fresh)} landed {files} of {self.name or 'no dataset'} refused"
            )
            reasons = Counter(one.reason for one in fresh).most_common(quarantine.SHOWN)
            log.info("landed files refused", dataset=self.name, files=len(fresh), reasons=dict(reasons))
            alert(self.services, subject, quarantine.describe(data, self.name, fresh))
        overwritten = [one for one in each(copy, superseded, workers=self.workers) if one]

        def write(one: RefusedFile) -> None:
            quarantine.write_reason(data, self.name, one)

        for _ in each(write, [*fresh, *overwritten], workers=self.workers):
            pass

    def _record(
        self, new: Commit | None, readings: Readings, superseded: list[RefusedFile], now: datetime
    ) -> LandingBatch:
        """Record the batch; ``new`` is the commit whose retrainings were requested for the first time."""
        batch = LandingBatch(
            dataset=self.name,
            time=format_time(now),
            commit=new.id if new else None,
            files=len(readings.read),
            bytes=sum(source.file.size_bytes for source in readings.read),
            quarantined=len(readings.refused),
            superseded=len(superseded),
        )
        with log.bound(commit=batch.commit):
            log.info(
                "batch committed" if new else "batch without a new commit",
                dataset=self.name,
                files=batch.files,
                quarantined=batch.quarantined,
                superseded=batch.superseded,
            )
        self.services.ledger.record(self._key(batch, new, readings), batch)
        metrics = {Metric.LANDED_FILES: batch.files, Metric.QUARANTINED_FILES: batch.quarantined}
        write_metrics(self.services.environment, metrics, Dataset=self.name)
        return batch

    def _key(self, batch: LandingBatch, new: Commit | None, readings: Readings) -> Key[LandingBatch]:
        if new:
            return keys.landing_batch(self.name, new.time, new.id)
        return keys.landing_batch(self.name, batch.time, digest(" ".join(sorted(file.id for file in readings.handled))))

    def _is_unfinished(self, commit: Commit) -> bool:
        """Return whether a run made this commit, now or before it died, and did not record its batch.

        A forgetting gives commits new ids: these have no record either, and request nothing.
        """
        if commit.author != AUTHOR:
            return False
        ledger = self.services.ledger
        if ledger.get(keys.landing_batch(self.name, commit.time, commit.id)) is not None:
            return False
        return all(tombstone.new != commit.id for _, tombstone in ledger.query(keys.tombstones(self.name)))

    def _request_retrainings(self, commit: Commit) -> None:
        trigger = TriggerRequest(kind=TriggerKind.COMMIT, id=commit.id, by=commit.author, reason=commit.message)
        for learner in self.learners:
            if learner.on_commit:
                publish(self.services, RetrainingRequested(model=learner.model, trigger=trigger))


def _refuse_clashes(readings: Readings, taken: set[str]) -> None:
    """Refuse each name that clashes with a ``taken`` one or an earlier file's: "a.csv" beside "a.csv/b.csv"."""
    folders = {folder for path in taken for folder in _folders(path)}
    accepted = []
    for source in sorted(readings.read, key=lambda source: source.landed.path):
        path = source.landed.path
        if path in folders or taken.intersection(_folders(path)):
            reason = "its name is that of a folder in the dataset, or goes through a file as if it were a folder"
            readings.refused.append(RefusedFile(landed=source.landed, reason=reason))
        else:
            taken.add(path)
            folders.update(_folders(path))
            accepted.append(source)
    readings.read = accepted


def _folders(path: str) -> Iterable[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _superseded(landed: LandedFiles, readings: Readings) -> list[RefusedFile]:
    """Return the older versions of the files that this batch deals with."""
    newest = {file.key for file in readings.handled}
    reason = "overwritten where it landed, before it was committed"
    return [RefusedFile(landed=file, reason=reason) for file in landed.superseded if file.key in newest]
