"""Landing while files change, while runs die and while others run, on moto's S3, DynamoDB, Parameter Store and SNS."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.datasets.landing.batch import LandingFailedError
from pipelines.datasets.landing.landing import land
from pipelines.datasets.landing.lock import LandingLock
from pipelines.datasets.landing.reader import BEGIN_WITHIN_S, LONGEST_FILE_S
from pipelines.interface import keys
from pipelines.interface.landing import LONGEST_S
from pipelines.interface.records import LandingBatch, Tombstone
from tests.support.landing import BUCKET, CSV, NOW, dataset, drop, head, left, logged, quarantined, versioned, with_s3
from tests.support.world import ENVIRONMENT, World

__all__ = ["versioned"]


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
