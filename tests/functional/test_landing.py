"""Landing on moto's S3, DynamoDB, Parameter Store and SNS."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.datasets.landing.landing import land
from pipelines.interface.codec import canonical
from pipelines.interface.settings import Retraining
from tests.support.landing import BUCKET, CSV, dataset, drop, head, left, logged, quarantined, recorded, versioned
from tests.support.world import ENVIRONMENT, World, settings

__all__ = ["versioned"]


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
