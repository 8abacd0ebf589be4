"""One batch of landed files: read, committed, told and recorded, and only then deleted where they landed.

Whatever it dies at, the next batch finds the same files again: the same content makes no second commit, the same commit
asks for no second retraining, a copy in quarantine is written over by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from pipelines.clients import Services
from pipelines.contract import events
from pipelines.contract.landing import batch_sk, landing_pk
from pipelines.data import quarantine
from pipelines.data.commits import Commit, Dataset, NoDataError
from pipelines.data.landed import Landed, LandedSource, delete
from pipelines.data.landing_reader import Readings, Watch, read_all
from pipelines.data.parallel import each
from pipelines.data.quarantine import Refused
from pipelines.moments import digest, written
from pipelines.monitoring.emf import metrics_line
from pipelines.notices import alert, emit
from pipelines.retraining.learners import Learner

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


def land_batch(
    services: Services, dataset: str, landed: Landed, learners: Sequence[Learner], watch: Watch, now: datetime
) -> Batch | None:
    """Deal with what ``landed``, or give None if nothing has; ``learners`` are the dataset's models.

    Raises
    ------
    LandingFailedError
        S3 did not give some of the files; the others were dealt with.
    """
    if learners:
        readings = read_all(landed.files, watch)
        _refuse_clashes(services, dataset, readings)
    else:
        readings = Readings(refused=[Refused(landed=file, reason=_unused(services, dataset)) for file in landed.files])
    superseded = _superseded(landed, readings)
    batch = None
    if readings.read or readings.refused:
        commit = _commit(services, dataset, readings.read, now) if readings.read else None
        _quarantine(services, dataset, readings.refused, superseded)
        batch = _tell(services, dataset, commit, readings, superseded, learners, now)
        data = services.bucket("data")
        # First what was overwritten: without the newest version it would look like the newest.
        delete(data, (refused.landed for refused in superseded))
        delete(data, readings.dealt_with)
    if readings.failed:
        lines = [f"{failed.landed.key}: {failed.error}" for failed in readings.failed[: quarantine.SHOWN]]
        raise LandingFailedError(f"{len(readings.failed)} landed files could not be read:\n" + "\n".join(lines))
    return batch


def _dataset(services: Services, name: str) -> Dataset:
    return Dataset(name=name, bucket=services.bucket("data"), ledger=services.ledger)


def _unused(services: Services, dataset: str) -> str:
    if not dataset:
        return "it lies in no dataset's folder: put it below landing/<dataset>/"
    return f"no model of {services.environment.id} learns from a dataset {dataset!r}"


def _refuse_clashes(services: Services, name: str, readings: Readings) -> None:
    """Refuse each name that cannot lie beside those of the head, or those before it: "a.csv" beside "a.csv/b.csv"."""
    try:
        standing = {file.path for file in _dataset(services, name).head().files}
    except NoDataError:
        standing = set()
    folders = {folder for path in standing for folder in _folders(path)}
    fitting = []
    for source in sorted(readings.read, key=lambda source: source.landed.path):
        path = source.landed.path
        if path in folders or standing.intersection(_folders(path)):
            reason = "its name is that of a folder in the dataset, or goes through a file as if it were a folder"
            readings.refused.append(Refused(landed=source.landed, reason=reason))
        else:
            standing.add(path)
            folders.update(_folders(path))
            fitting.append(source)
    readings.read = fitting


def _folders(path: str) -> Iterable[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _commit(services: Services, name: str, read: list[LandedSource], now: datetime) -> Commit:
    message = f"{len(read)} {'file' if len(read) == 1 else 'files'} landed"
    sources = {source.landed.path: source for source in read}
    return _dataset(services, name).commit(sources, author=AUTHOR, message=message, now=now)


def _superseded(landed: Landed, readings: Readings) -> list[Refused]:
    """What was overwritten by a version that is dealt with now."""
    newest = {file.key for file in readings.dealt_with}
    reason = "overwritten where it landed, before it was committed"
    return [Refused(landed=file, reason=reason) for file in landed.superseded if file.key in newest]


def _quarantine(services: Services, dataset: str, refused: list[Refused], superseded: list[Refused]) -> None:
    """Copy the files, alert once for all that were refused, and write the reasons: none is told of twice."""
    data = services.bucket("data")

    def copy(one: Refused) -> Refused | None:
        if quarantine.is_kept(data, dataset, one):
            return None
        quarantine.copy(data, dataset, one)
        return one

    fresh = {one.landed.key: one for one in each(copy, refused) if one}
    if told := [fresh[key] for key in sorted(fresh)]:
        files = "file" if len(told) == 1 else "files"
        subject = f"{services.environment.id}: {len(told)} landed {files} of {dataset or 'no dataset'} refused"
        alert(services, subject, quarantine.describe(data, dataset, told))
    overwritten = [one for one in each(copy, superseded) if one]
    for _ in each(lambda one: quarantine.write_reason(data, dataset, one), [*told, *overwritten]):
        pass


def _tell(
    services: Services,
    dataset: str,
    commit: Commit | None,
    readings: Readings,
    superseded: list[Refused],
    learners: Sequence[Learner],
    now: datetime,
) -> Batch:
    """Ask for the retrainings that a new commit is due, then record the batch: its record says that they were asked."""
    pk = landing_pk(dataset)
    # A commit of ours without a record is new, or its maker died before it told anybody.
    new = commit if commit and commit.author == AUTHOR and not _is_recorded(services, commit) else None
    batch = Batch(
        dataset=dataset,
        time=written(now),
        commit=new.id if new else None,
        files=len(readings.read),
        bytes=sum(source.file.size_bytes for source in readings.read),
        quarantined=len(readings.refused),
        superseded=len(superseded),
    )
    if new:
        _request_retrainings(services, new, learners)
        key = batch_sk(new.time, new.id)
    else:
        key = batch_sk(batch.time, digest(" ".join(sorted(file.id for file in readings.dealt_with))))
    services.ledger.record(pk, key, asdict(batch))
    metrics = {"LandedFiles": batch.files, "QuarantinedFiles": batch.quarantined}
    print(metrics_line(now, {"Environment": services.environment.id}, metrics))
    return batch


def _is_recorded(services: Services, commit: Commit) -> bool:
    return services.ledger.get(landing_pk(commit.dataset), batch_sk(commit.time, commit.id)) is not None


def _request_retrainings(services: Services, commit: Commit, learners: Sequence[Learner]) -> None:
    trigger = {"kind": "commit", "id": commit.id, "by": commit.author, "reason": commit.message}
    for learner in learners:
        if learner.on_commit:
            emit(services, events.RETRAINING_REQUESTED, {"model": learner.model, "trigger": trigger})
