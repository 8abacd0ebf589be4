"""Landing on moto's S3, DynamoDB, Parameter Store and SNS."""

import gzip
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.datasets.landing.batch import LandingFailedError
from pipelines.datasets.landing.landing import land
from pipelines.datasets.landing.lock import LandingLock
from pipelines.datasets.landing.reader import BEGIN_WITHIN_S, LONGEST_FILE_S
from pipelines.interface import keys
from pipelines.interface.codec import canonical
from pipelines.interface.keys import Items
from pipelines.interface.landing import LONGEST_S, landing_pk
from pipelines.interface.records import LandingBatch, Tombstone
from pipelines.interface.settings import Retraining
from tests.support.world import ENVIRONMENT, World, settings

CSV = b"a,b\n1,2\n3,4\n"
BUCKET = ENVIRONMENT.bucket("data")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def versioned(world: World) -> None:
    world.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def drop(world: World, name: str, content: bytes = CSV) -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key=f"landing/{name}", Body=content)


def head(world: World) -> Commit:
    return dataset(world).head()


def dataset(world: World) -> Dataset:
    return Dataset(name="flights", bucket=world.services.bucket("data"), ledger=world.services.ledger)


def left(world: World) -> list[str]:
    """Return the keys of all versions and delete markers below landing/."""
    answer = world.client("s3").list_object_versions(Bucket=BUCKET, Prefix="landing/")
    return [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in answer.get(kind, [])]


def quarantined(world: World, name: str = "flights") -> dict[str, str]:
    """Return the reasons by the keys where the files landed; each content must be beside its reason."""
    data, found = world.services.bucket("data"), {}
    keys = data.keys(f"quarantine/{name}/")
    for key in keys:
        if key.endswith("/reason.json"):
            about = data.read_json(key)
            assert key.replace("reason.json", "content") in keys
            found[about["key"]] = about["reason"]
    return found


def recorded(world: World) -> list[LandingBatch]:
    return [batch for _, batch in world.services.ledger.query(Items(landing_pk("flights"), "batch#", LandingBatch))]


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines of the log without time and level; metrics are left out."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{n: v for n, v in line.items() if n not in ("time", "level")} for line in lines if "level" in line]


def test_files_that_land_become_one_commit(world: World) -> None:
    for number in range(30):
        drop(world, f"flights/2026/{number:02}.csv", CSV + b"%d,0\n" % number)
    (batch,) = land(world.services)
    commit = head(world)
    assert [file.path for file in commit.files] == [f"2026/{number:02}.csv" for number in range(30)]
    assert {(file.rows, file.columns) for file in commit.files} == {(3, ("a", "b"))}
    assert (commit.author, commit.message, commit.parent) == ("land_files", "30 files landed", None)
    assert (batch.commit, batch.files, batch.quarantined) == (commit.id, 30, 0)
    assert left(world) == []
    assert world.alerts() == []
    assert dataset(world).verify() == []


def test_requests_one_retraining_of_a_model_that_accepts_commits(world: World) -> None:
    drop(world, "flights/a.csv")
    land(world.services)
    trigger = {"kind": "commit", "id": head(world).id, "by": "land_files", "reason": "1 file landed"}
    assert world.bus.events == [("Retraining Requested", {"model": "late-arrival", "trigger": trigger})]
    assert land(world.services) == ()
    assert len(world.bus.events) == 1


def test_requests_no_retraining_of_a_model_that_accepts_no_commits(world: World) -> None:
    world.set_settings(
        settings(retraining=Retraining(triggers=("drift",), cooldown_s=600, max_runs_per_day=5)),
    )
    drop(world, "flights/a.csv")
    land(world.services)
    assert head(world).files
    assert world.bus.events == []


def test_late_file_is_committed_once_on_top(world: World) -> None:
    """Fault 15: the file of January that arrives in March; and its event twice."""
    drop(world, "flights/2026-02.csv")
    land(world.services)
    first = head(world)
    drop(world, "flights/2026-01.csv", CSV + b"5,6\n")
    assert len(land(world.services)) == 1
    assert land(world.services) == ()
    second = head(world)
    assert second.parent == first.id
    assert [file.path for file in second.files] == ["2026-01.csv", "2026-02.csv"]
    assert len(list(dataset(world).log())) == 2


def test_same_content_makes_no_second_commit(world: World) -> None:
    for _ in range(2):
        drop(world, "flights/a.csv")
        (batch,) = land(world.services)
    assert batch.commit is None
    assert batch.files == 1
    assert len(list(dataset(world).log())) == 1
    assert len(world.bus.events) == 1
    assert left(world) == []


def test_commits_the_last_version_of_a_name_and_keeps_the_others(world: World) -> None:
    for content in (b"a\nold\n", b"a\nolder\nstill\n", b"a\nnew\n"):
        drop(world, "flights/a.csv", content)
    (batch,) = land(world.services)
    (file,) = head(world).files
    assert world.services.bucket("data").open(f"datasets/flights/objects/{file.sha256}").read() == b"a\nnew\n"
    assert (batch.files, batch.superseded, batch.quarantined) == (1, 2, 0)
    assert quarantined(world) == {"landing/flights/a.csv": "overwritten where it landed, before it was committed"}
    assert left(world) == []
    assert world.alerts() == []


def test_files_beyond_one_batch_are_in_the_next(world: World) -> None:
    for number in range(12):
        drop(world, f"flights/{number:02}.csv", CSV + b"%d,0\n" % number)
    assert [batch.files for batch in land(world.services, max_files=5)] == [5, 5, 2]
    assert len(head(world).files) == 12
    assert left(world) == []


def test_settings_of_another_version_delay_no_files(world: World) -> None:
    old = {"model": "old", "dataset": "flights", "retraining": {"triggers": ["commit"]}, "unheard_of": 1}
    name = ENVIRONMENT.model("old").settings_parameter
    world.client("ssm").put_parameter(Name=name, Value=json.dumps(old), Type="String")
    drop(world, "flights/a.csv")
    land(world.services)
    assert sorted(detail["model"] for _, detail in world.bus.events) == ["late-arrival", "old"]


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), sink)
    return sink.getvalue()


GZ = gzip.compress(CSV * 50)
UNREADABLE = {
    "truncated.csv.gz": (GZ[: len(GZ) // 2], "damaged gzip"),
    "no.csv.gz": (CSV, "damaged gzip"),
    "latin.csv": ("städte,b\n1,2\n".encode("latin-1"), "not UTF-8"),
    "cut.csv": (b"a,b\n1,2\n3", "row 2 has 1 fields, the header has 2"),
    "long.csv": (b"a,b\n1,2,3\n", "row 1 has 3 fields, the header has 2"),
    "quote.csv": (b'a,b\n1,"2\n', "never closed"),
    "empty.csv": (b"", "without a header"),
    "german.csv": (b"a;b\n1;2\n", "semicolons"),
    "mark.csv": (b"\xef\xbb\xbfa,b\n1,2\n", "byte-order mark"),
    "twice.csv": (b"a,a\n1,2\n", "the same name"),
    "after.csv": (b'a,b\n1,"2"3\n', "not CSV"),
    "cut.parquet": (parquet()[:-20], "PAR1"),
    "footer.parquet": (b"PAR1" + b"x" * 20 + b"\xff\xff\xff\x7fPAR1", "footer"),
    "no.parquet": (CSV, "PAR1"),
    "locked.parquet": (b"PARE" + b"x" * 20 + b"\x05\0\0\0PARE", "encrypted"),
    "notes.txt": (b"hello", "end in .csv"),
    "a//b.csv": (CSV, "relative path"),
    "../up.csv": (CSV, "relative path"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file_is_quarantined_with_its_reason(world: World, name: str) -> None:
    """Fault 18 among them: a truncated gzip file. The good file beside it is committed."""
    content, reason = UNREADABLE[name]
    drop(world, f"flights/{name}", content)
    drop(world, "flights/good.csv")
    (batch,) = land(world.services)
    assert [file.path for file in head(world).files] == ["good.csv"]
    assert (batch.files, batch.quarantined) == (1, 1)
    ((key, given),) = quarantined(world).items()
    assert key == f"landing/flights/{name}"
    assert reason in given
    assert left(world) == []


READABLE = {
    "plain.csv": b'a,b\r\n1,"2\r\nand, more"\r\n',
    "blank.csv": b"a,b\n\n1,2\n\n",
    "packed.csv.gz": GZ + gzip.compress(b"3,4\n"),
    "header.csv": b"a,b\n",
    "table.parquet": parquet(),
}


@pytest.mark.parametrize("name", READABLE)
def test_readable_file_is_committed(world: World, name: str) -> None:
    drop(world, f"flights/{name}", READABLE[name])
    land(world.services)
    assert quarantined(world) == {}
    assert [file.path for file in head(world).files] == [name]


def test_many_unreadable_files_are_one_alert_without_values(world: World) -> None:
    for number in range(30):
        drop(world, f"flights/{number}.csv", b"name,b\nsecret\n")
    land(world.services)
    (alert,) = world.alerts()
    assert alert.count("row 1 has 1 fields") == 20
    assert "and 10 more" in alert
    assert [(batch.quarantined, batch.files) for batch in recorded(world)] == [(30, 0)]
    reasons = "".join(quarantined(world).values())
    assert "secret" not in alert + reasons


def test_refuses_files_of_a_dataset_without_a_model(world: World) -> None:
    drop(world, "fligths/a.csv")
    drop(world, "loose.csv")
    drop(world, "flights/good.csv")
    land(world.services)
    assert "no model" in quarantined(world, "fligths")["landing/fligths/a.csv"]
    assert "no dataset's folder" in quarantined(world, "-")["landing/loose.csv"]
    assert len(world.alerts()) == 2
    assert len(head(world).files) == 1
    assert left(world) == []


def test_refuses_a_name_that_is_a_folder_or_below_a_file(world: World) -> None:
    drop(world, "flights/2026/a.csv")
    land(world.services)
    drop(world, "flights/b.csv")
    drop(world, "flights/b.csv/c.csv")
    drop(world, "flights/2026/a.csv/d.csv")
    land(world.services)
    assert [file.path for file in head(world).files] == ["2026/a.csv", "b.csv"]
    assert set(quarantined(world)) == {"landing/flights/b.csv/c.csv", "landing/flights/2026/a.csv/d.csv"}


def test_partial_upload_is_invisible(world: World) -> None:
    """Fault 19: a multipart upload has not landed before it is complete."""
    s3, key = world.client("s3"), "landing/flights/big.csv"
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=CSV)
    drop(world, "flights/a.csv")
    land(world.services)
    assert [file.path for file in head(world).files] == ["a.csv"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload=parts)
    land(world.services)
    assert [file.path for file in head(world).files] == ["a.csv", "big.csv"]


def test_deleted_file_and_folder_marker_are_ignored(world: World) -> None:
    drop(world, "flights/", b"")
    drop(world, "flights/a.csv")
    world.client("s3").delete_object(Bucket=BUCKET, Key="landing/flights/a.csv")
    assert land(world.services) == ()
    assert dataset(world).read_head() is None
    assert len(left(world)) == 3


@dataclass
class Spying:
    """S3 client that calls a function before some operations; it may raise an error."""

    s3: Any
    before: dict[str, Callable[[dict[str, Any]], None]]
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.s3, name)
        if name not in self.before:
            return real

        def call(*arguments: Any, **request: Any) -> Any:
            self.calls.append(name)
            self.before[name](request)
            return real(*arguments, **request)

        return call


def with_s3(world: World, before: dict[str, Callable[[dict[str, Any]], None]]) -> tuple[Services, Spying]:
    spying = Spying(world.client("s3"), before)
    return Services(ENVIRONMENT, lambda name: spying if name == "s3" else world.client(name)), spying


def test_file_overwritten_while_it_is_read_is_committed_as_listed(world: World) -> None:
    drop(world, "flights/a.csv", b"a\nlisted\n")

    def overwrite(request: dict[str, Any]) -> None:
        if request["Key"].startswith("landing/") and len(left(world)) == 1:
            drop(world, "flights/a.csv", b"a\nlater\n")

    services, _ = with_s3(world, {"get_object": overwrite})
    land(services)
    (file,) = head(world).files
    data = world.services.bucket("data")
    assert data.open(f"datasets/flights/objects/{file.sha256}").read() == b"a\nlisted\n"
    assert left(world) == ["landing/flights/a.csv"]
    land(world.services)
    (file,) = head(world).files
    assert data.open(f"datasets/flights/objects/{file.sha256}").read() == b"a\nlater\n"
    assert left(world) == []


def test_file_deleted_while_it_is_read_is_no_error(world: World) -> None:
    drop(world, "flights/a.csv")
    drop(world, "flights/b.csv")

    def remove(request: dict[str, Any]) -> None:
        if request["Key"] == "landing/flights/a.csv":
            world.client("s3").delete_object(Bucket=BUCKET, Key=request["Key"], VersionId=request["VersionId"])

    land(with_s3(world, {"get_object": remove})[0])
    assert [file.path for file in head(world).files] == ["b.csv"]
    assert quarantined(world) == {}


def test_file_that_s3_denies_does_not_delay_the_others(world: World) -> None:
    drop(world, "flights/a.csv")
    drop(world, "flights/b.csv")

    def deny(request: dict[str, Any]) -> None:
        if request["Key"] == "landing/flights/a.csv":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "kms:Decrypt"}}, "GetObject")

    with pytest.raises(LandingFailedError, match=r"landing/flights/a\.csv.*kms:Decrypt"):
        land(with_s3(world, {"get_object": deny})[0])
    assert [file.path for file in head(world).files] == ["b.csv"]
    assert left(world) == ["landing/flights/a.csv"]
    land(world.services)
    assert [file.path for file in head(world).files] == ["a.csv", "b.csv"]


class DiedError(Exception):
    pass


def die(_: dict[str, Any]) -> None:
    raise DiedError


def test_crash_before_deleting_repeats_no_commit_and_no_request(world: World) -> None:
    drop(world, "flights/a.csv")
    drop(world, "flights/bad.txt")
    with pytest.raises(LandingFailedError, match="DiedError"):
        land(with_s3(world, {"delete_objects": die})[0])
    first = head(world)
    (batch,) = land(world.services)
    assert head(world) == first
    assert batch.commit is None
    assert left(world) == []
    assert len(world.bus.events) == 1
    assert len(quarantined(world)) == 1
    assert len(world.alerts()) == 1


def test_crash_after_the_head_moved_still_requests_the_retraining(world: World) -> None:
    drop(world, "flights/a.csv")
    services = Services(ENVIRONMENT, lambda name: Dead() if name == "events" else world.client(name))
    with pytest.raises(LandingFailedError, match="DiedError"):
        land(services)
    assert world.bus.events == []
    first = head(world)
    land(world.services)
    assert head(world) == first
    assert [detail["trigger"]["id"] for _, detail in world.bus.events] == [first.id]
    assert left(world) == []


def test_refused_file_after_a_crash_still_requests_the_retraining(world: World) -> None:
    drop(world, "flights/a.csv")
    with pytest.raises(LandingFailedError, match="DiedError"):
        land(Services(ENVIRONMENT, lambda name: Dead() if name == "events" else world.client(name)))
    drop(world, "flights/a.csv", b"x\n1,2\n")
    (batch,) = land(world.services)
    assert (batch.commit, batch.files, batch.quarantined) == (head(world).id, 0, 1)
    drop(world, "flights/b.csv", b"x\n1,2\n")
    land(world.services)
    assert [detail["trigger"]["id"] for _, detail in world.bus.events] == [head(world).id]


def test_commit_that_a_forgetting_rewrote_requests_nothing(world: World) -> None:
    drop(world, "flights/a.csv")
    with pytest.raises(LandingFailedError, match="DiedError"):
        land(Services(ENVIRONMENT, lambda name: Dead() if name == "events" else world.client(name)))
    tombstone = Tombstone(new=head(world).id, time=head(world).time, by="anne", reason="a request")
    world.services.ledger.record(keys.tombstone("flights", "0" * 64), tombstone)
    drop(world, "flights/a.csv", b"x\n1,2\n")
    (batch,) = land(world.services)
    assert (batch.commit, world.bus.events) == (None, [])


class Dead:
    def put_events(self, **request: Any) -> None:
        die(request)


def test_two_runs_at_once_commit_everything_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that lands while one run holds the lock is landed by it: the other run asks for that and exits."""
    drop(world, "flights/a.csv")
    seen: list[tuple[LandingBatch, ...]] = []

    def other_run(request: dict[str, Any]) -> None:
        if request["Key"].startswith("landing/") and not seen:
            drop(world, "flights/b.csv")
            seen.append(land(world.services))

    batches = land(with_s3(world, {"get_object": other_run})[0])
    assert seen == [()]
    assert [batch.files for batch in batches] == [1, 1]
    assert logged(capsys)[0] == {"message": "another run holds the lock and lists again", "dataset": "flights"}
    assert len(list(dataset(world).log())) == 2
    assert len(head(world).files) == 2
    assert left(world) == []


def test_many_runs_in_threads_lose_nothing(world: World) -> None:
    failures: list[Exception] = []

    def run(number: int) -> None:
        try:
            drop(world, f"flights/{number}.csv", CSV + b"%d,%d\n" % (number, number))
            land(world.services)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(head(world).files) == 8
    assert left(world) == []
    commits = list(dataset(world).log())
    assert len(commits) <= 8
    assert {detail["trigger"]["id"] for _, detail in world.bus.events} == {commit.id for commit in commits}
    assert len(world.bus.events) == len(commits)


def lock(world: World, holder: str, moment: datetime = NOW) -> LandingLock:
    return LandingLock(ledger=world.services.ledger, dataset="flights", holder=holder, now=lambda: moment)


def test_lock_of_a_crashed_run_expires(world: World) -> None:
    assert lock(world, "crashed").take()
    assert not lock(world, "second", NOW + timedelta(seconds=LONGEST_S)).take()
    assert lock(world, "third", NOW + timedelta(seconds=LONGEST_S + 61)).take()
    assert lock(world, "crashed").release(), "another run holds it: there is nothing to list"
    assert world.item(keys.landing_lock("flights")).holder == "third"
    lock(world, "crashed").abandon()
    assert world.item(keys.landing_lock("flights")).holder == "third"


def test_lock_is_kept_until_a_requested_listing_is_done(world: World) -> None:
    first, second = lock(world, "first"), lock(world, "second")
    assert first.take()
    assert not second.take()
    assert world.item(keys.landing_lock("flights")).asked
    assert not first.release()
    assert first.release()
    assert second.take()


def test_abandoned_lock_is_free_despite_a_request(world: World) -> None:
    first, second = lock(world, "first"), lock(world, "second")
    assert first.take()
    assert not second.take()
    first.abandon()
    assert second.take()


def test_people_commit_while_files_land(world: World, tmp_path: Path) -> None:
    drop(world, "flights/a.csv")
    mine = tmp_path / "mine.csv"
    mine.write_bytes(CSV)

    def commit(request: dict[str, Any]) -> None:
        if request["Key"].startswith("landing/"):
            dataset(world).commit({"mine.csv": mine}, author="anne", message="mine")

    land(with_s3(world, {"get_object": commit})[0])
    assert [file.path for file in head(world).files] == ["a.csv", "mine.csv"]
    assert [commit.author for commit in dataset(world).log()] == ["land_files", "anne"]


class Clock:
    """Clock by which each file takes ``each_s`` to read."""

    def __init__(self, world: World, each_s: float) -> None:
        self.moment, self.each_s = 0.0, each_s
        self.services, _ = with_s3(world, {"get_object": self.advance})

    def advance(self, request: dict[str, Any]) -> None:
        if request["Key"].startswith("landing/"):
            self.moment += self.each_s

    def __call__(self) -> float:
        return self.moment


def test_files_that_are_not_begun_in_time_are_left_to_the_next_run(world: World) -> None:
    for number in range(3):
        drop(world, f"flights/{number}.csv", CSV + b"%d,%d\n" % (number, number))
    clock = Clock(world, BEGIN_WITHIN_S / 2)
    # Large files are read one after the other: here every file is large.
    (batch,) = land(clock.services, seconds=clock, small_bytes=0)
    assert [file.path for file in head(world).files] == ["0.csv", "1.csv"]
    assert batch.files == 2
    assert left(world) == ["landing/flights/2.csv"]
    land(world.services)
    assert len(head(world).files) == 3
    assert left(world) == []


def test_file_that_takes_too_long_is_refused(world: World) -> None:
    drop(world, "flights/slow.csv")
    clock = Clock(world, LONGEST_FILE_S + 1)
    land(clock.services, seconds=clock, small_bytes=0)
    assert "takes longer" in quarantined(world)["landing/flights/slow.csv"]


def test_failure_of_one_dataset_does_not_affect_the_others(world: World) -> None:
    drop(world, "another/a.csv")
    drop(world, "flights/a.csv")

    def refuse(request: dict[str, Any]) -> None:
        if request["Key"].startswith("quarantine/"):
            die(request)

    with pytest.raises(LandingFailedError, match="another: DiedError"):
        land(with_s3(world, {"put_object": refuse})[0])
    assert [file.path for file in head(world).files] == ["a.csv"]
    assert left(world) == ["landing/another/a.csv"]


def test_copy_that_differs_from_the_bytes_read_is_refused(world: World) -> None:
    drop(world, "flights/a.csv")
    other = world.client("s3").put_object(Bucket=BUCKET, Key="landing/flights/a.csv", Body=b"a\nother\n")["VersionId"]

    def swap(request: dict[str, Any]) -> None:
        listed = world.client("s3").list_object_versions(Bucket=BUCKET, Prefix="landing/")["Versions"]
        (wrong,) = (entry["VersionId"] for entry in listed if entry["VersionId"] != other)
        request["CopySource"]["VersionId"] = wrong

    with pytest.raises(LandingFailedError, match="another SHA-256"):
        land(with_s3(world, {"copy_object": swap})[0])
    assert dataset(world).read_head() is None
    assert len(left(world)) == 2


def test_record_of_a_batch_holds_no_names(world: World) -> None:
    drop(world, "flights/customer-4711.csv")
    land(world.services)
    (batch,) = recorded(world)
    assert "4711" not in canonical(batch)
    assert (batch.files, batch.bytes, batch.commit) == (1, len(CSV), head(world).id)


def test_log_has_the_commit_and_the_refusals_without_names_and_values(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(world, "flights/good.csv")
    for name in ("customer-4711.csv", "customer-4712.csv"):
        drop(world, f"flights/{name}", b"a,b\nsecret\n")
    drop(world, "flights/../4713.csv")
    land(world.services)
    lines = logged(capsys)
    assert lines == [
        {
            "message": "landed files refused",
            "dataset": "flights",
            "files": 3,
            "reasons": {
                "row 1 has 1 fields, the header has 2": 2,
                "a logical name is a relative path without '.' and '..'": 1,
            },
        },
        {
            "message": "batch committed",
            "commit": head(world).id,
            "dataset": "flights",
            "files": 1,
            "quarantined": 3,
            "superseded": 0,
        },
    ]
