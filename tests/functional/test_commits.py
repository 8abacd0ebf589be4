"""Commits on moto's S3 and DynamoDB."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.commits import Dataset, File, InvalidCommitError, NoDataError
from pipelines.datasets.commits.objects import DamagedObjectError
from pipelines.datasets.commits.sources import MAX_BYTES, ChangedFileError, FileTooLargeError, LocalSource
from pipelines.interface.paths import commit_key, object_key
from tests.support.world import ENVIRONMENT, World


@pytest.fixture
def dataset(world: World) -> Dataset:
    return Dataset.in_environment(ENVIRONMENT, "flights", s3=world.client("s3"), dynamodb=world.client("dynamodb"))


def write(folder: Path, **contents: str) -> dict[str, Path]:
    for name, content in contents.items():
        (folder / name).write_text(content)
    return {f"{name}.csv": folder / name for name in contents}


def test_commit_keeps_the_parents_files(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.commit(write(tmp_path, january="1", february="2"), author="a", message="first")
    second = dataset.commit(write(tmp_path, march="3", february="22"), author="a", message="second")
    assert [file.path for file in second.files] == ["february.csv", "january.csv", "march.csv"]
    assert second.parent == first.id
    assert dataset.head() == second
    assert [commit.id for commit in dataset.log()] == [second.id, first.id]
    third = dataset.commit(write(tmp_path, april="4"), author="a", message="third", replace_all=True)
    assert [file.path for file in third.files] == ["april.csv"]


def test_same_content_makes_no_new_commit(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.commit(write(tmp_path, january="1"), author="a", message="first")
    assert dataset.commit(write(tmp_path, january="1"), author="b", message="again") == first


def test_rejects_a_commit_without_files_or_with_a_wrong_name(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidCommitError, match="no files"):
        dataset.commit({}, author="a", message="empty")
    for name in ("../up", "/root", "a//b", ""):
        with pytest.raises(InvalidCommitError):
            dataset.commit({name: tmp_path}, author="a", message="bad name")
    with pytest.raises(NoDataError):
        dataset.head()


def test_rejects_a_changed_manifest(dataset: Dataset, tmp_path: Path) -> None:
    commit = dataset.commit(write(tmp_path, january="1"), author="a", message="first")
    document = json.loads(json.dumps(commit.to_document()))
    document["files"][0]["sha256"] = "0" * 64
    dataset.bucket.write_json(commit_key("flights", commit.id), document)
    with pytest.raises(InvalidCommitError, match="damaged"):
        dataset.head()


class CountingS3:
    """S3 client that keeps the sizes of the objects that are written."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.s3, name)

    def put_object(self, **request: Any) -> Any:
        if "/objects/" in request["Key"]:
            content = request["Body"].read()
            self.sizes.append(len(content))
            request["Body"] = content
        return self.s3.put_object(**request)


def test_only_the_changed_file_of_many_is_uploaded(world: World, tmp_path: Path) -> None:
    counting = CountingS3(world.client("s3"))
    dataset = Dataset.in_environment(ENVIRONMENT, "flights", s3=counting, dynamodb=world.client("dynamodb"))
    files = {f"{number:02d}.bin": tmp_path / str(number) for number in range(64)}
    for path in files.values():
        path.write_bytes(os.urandom(1 << 20))
    first = dataset.commit(files, author="a", message="first")
    assert sum(counting.sizes) == 64 << 20
    counting.sizes.clear()
    files["07.bin"].write_bytes(os.urandom(1 << 20))
    second = dataset.commit(files, author="a", message="second")
    assert counting.sizes == [1 << 20]
    assert len({file.sha256 for commit in (first, second) for file in commit.files}) == 65
    counting.sizes.clear()
    # The older contents are stored already: they are asked for, not sent again.
    assert dataset.commit(files, author="a", message="again") == second
    dataset.checkout(first, tmp_path / "out")
    older = {path: tmp_path / "out" / path for path in files}
    assert dataset.commit(older, author="a", message="back").tree == first.tree
    assert len(counting.sizes) <= 1


def test_content_of_many_names_is_stored_once(world: World, tmp_path: Path) -> None:
    counting = CountingS3(world.client("s3"))
    dataset = Dataset.in_environment(ENVIRONMENT, "flights", s3=counting, dynamodb=world.client("dynamodb"))
    (tmp_path / "same").write_text("x\n1\n")
    made = dataset.commit({f"{n}.csv": tmp_path / "same" for n in range(99)}, author="a", message="same")
    assert (len(made.files), counting.sizes) == (99, [4])


def test_object_with_another_content_than_its_name_is_not_trusted(dataset: Dataset, tmp_path: Path) -> None:
    files = write(tmp_path, january="1")
    digest = LocalSource(files["january.csv"]).describe("january.csv").sha256
    dataset.bucket.write(object_key("flights", digest), b"forged")
    with pytest.raises(DamagedObjectError, match=digest):
        dataset.commit(files, author="a", message="first")
    assert dataset.read_head() is None


class Growing(LocalSource):
    """A file that changes after it was hashed and before it is stored."""

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        self.place.write_text(self.place.read_text() + "2")
        return super().store(bucket, key, file)


def test_file_that_changes_while_it_is_committed_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "january").write_text("1")
    with pytest.raises(ChangedFileError, match="changed while it was committed"):
        dataset.commit({"january.csv": Growing(tmp_path / "january")}, author="a", message="first")
    assert dataset.read_head() is None


def test_file_larger_than_one_request_is_refused_before_it_is_read(dataset: Dataset, tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(FileTooLargeError, match=r"5,368,709,121 bytes"):
        dataset.commit({"huge.bin": tmp_path / "huge"}, author="a", message="first")


class RefusingS3:
    """S3 client that refuses writes to keys with ``refused`` in them."""

    def __init__(self, s3: Any, refused: str) -> None:
        self.s3, self.refused = s3, refused
        self.checksums: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.s3, name)

    def put_object(self, **request: Any) -> Any:
        self.checksums.append(request.get("ChecksumSHA256", ""))
        if self.refused in request["Key"]:
            raise ClientError({"Error": {"Code": "BadDigest", "Message": "checksum"}}, "PutObject")
        return self.s3.put_object(**request)


@pytest.mark.parametrize("refused", ["/commits/", "/objects/"])
def test_incomplete_commit_is_invisible(world: World, dataset: Dataset, tmp_path: Path, refused: str) -> None:
    first = dataset.commit(write(tmp_path, january="1"), author="a", message="first")
    refusing = RefusingS3(world.client("s3"), refused)
    other = Dataset.in_environment(ENVIRONMENT, "flights", s3=refusing, dynamodb=world.client("dynamodb"))
    with pytest.raises(ClientError, match="BadDigest"):
        other.commit(write(tmp_path, february="2"), author="a", message="refused")
    assert dataset.head() == first
    assert all(refusing.checksums[:1]), "objects carry the checksum that S3 verifies"


def test_eight_writers_at_once_lose_nothing(dataset: Dataset, tmp_path: Path) -> None:
    """Each writer's file is in the head, and the history has all of their commits."""
    failures: list[Exception] = []
    files = [write(tmp_path, **{f"file{number}": str(number)}) for number in range(8)]

    def commit(number: int) -> None:
        try:
            dataset.commit(files[number], author=str(number), message="mine")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=commit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(dataset.head().files) == 8
    assert len(list(dataset.log())) == 8


def test_overwritten_name_keeps_the_older_commits_bytes(dataset: Dataset, tmp_path: Path) -> None:
    first = dataset.commit(write(tmp_path, january="1"), author="a", message="first")
    dataset.commit(write(tmp_path, january="other"), author="a", message="second")
    (digest,) = dataset.sagemaker_manifest(first)[1:]
    assert dataset.bucket.open(object_key("flights", str(digest))).read() == b"1"
