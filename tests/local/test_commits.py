"""Commits on the embedded AWS: refusals by S3 itself, and reads of older versions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipelines.aws.s3 import Bucket, ExistsError, checksum
from pipelines.datasets.commits.commits import Dataset, File
from pipelines.datasets.commits.sources import ChangedFileError, LocalSource
from pipelines.interface.names import Environment
from pipelines.interface.paths import object_key
from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws

ENVIRONMENT = Environment(team="commits", stage="dev", account=ACCOUNT, region=REGION)


@pytest.fixture(scope="module")
def clients(embedded_aws: EmbeddedAws) -> Iterator[tuple[Any, Any]]:
    s3, dynamodb = embedded_aws.client("s3"), embedded_aws.client("dynamodb")
    s3.create_bucket(Bucket=ENVIRONMENT.bucket("data"), CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=ENVIRONMENT.bucket("data"), VersioningConfiguration={"Status": "Enabled"})
    dynamodb.create_table(
        TableName=ENVIRONMENT.ledger_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    yield s3, dynamodb
    dynamodb.delete_table(TableName=ENVIRONMENT.ledger_table)


@pytest.fixture
def dataset(clients: tuple[Any, Any], request: pytest.FixtureRequest) -> Dataset:
    return Dataset.in_environment(ENVIRONMENT, request.node.name[:40], s3=clients[0], dynamodb=clients[1])


def write(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


class Forged(LocalSource):
    """A file that changes after it was hashed, and keeps its size: only S3 detects it."""

    def store(self, bucket: Bucket, key: str, file: File) -> str | None:
        self.place.write_text(self.place.read_text().swapcase())
        return super().store(bucket, key, file)


def test_s3_refuses_a_wrong_checksum(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="BadDigest"):
        dataset.bucket.write_once("k", b"content", ChecksumSHA256=checksum("0" * 64))
    with pytest.raises(ChangedFileError) as refused:
        dataset.commit({"a.txt": Forged(write(tmp_path / "a", "abc"))}, author="a", message="m")
    assert "BadDigest" in str(refused.value.__cause__)
    assert dataset.bucket.keys(object_key(dataset.name, "")) == []
    assert dataset.read_head() is None


def test_existing_object_is_not_written_again(dataset: Dataset) -> None:
    dataset.bucket.write_once("once", b"first")
    with pytest.raises(ExistsError):
        dataset.bucket.write_once("once", b"second")
    assert dataset.bucket.open("once").read() == b"first"


def test_bucket_of_another_owner_is_refused(clients: tuple[Any, Any], dataset: Dataset, tmp_path: Path) -> None:
    other = Bucket(client=clients[0], name=ENVIRONMENT.bucket("data"), owner="999999999999")
    with pytest.raises(ClientError, match="AccessDenied"):
        Dataset(name="other", bucket=other, ledger=dataset.ledger).commit(
            {"a.csv": write(tmp_path / "a", "1")}, author="a", message="m"
        )


@pytest.mark.parametrize("damage", ["overwritten", "deleted"])
def test_commit_is_checked_out_from_its_own_version(
    clients: tuple[Any, Any], dataset: Dataset, tmp_path: Path, damage: str
) -> None:
    made = dataset.commit({"a.csv": write(tmp_path / "a", "x\n1\n")}, author="a", message="m")
    place = {"Bucket": ENVIRONMENT.bucket("data"), "Key": object_key(dataset.name, made.files[0].sha256)}
    if damage == "overwritten":
        clients[0].put_object(**place, Body=b"forged")
    else:
        clients[0].delete_object(**place)
    assert len(dataset.verify()) == 1
    dataset.checkout(made, tmp_path / "out")
    assert (tmp_path / "out" / "a.csv").read_text() == "x\n1\n"
    newest = clients[0].list_object_versions(Bucket=place["Bucket"], Prefix=place["Key"])
    wrong = (newest["Versions"] + newest.get("DeleteMarkers", []))[0 if damage == "overwritten" else -1]
    clients[0].delete_object(**place, VersionId=wrong["VersionId"])
    assert dataset.verify() == [], "the earlier version is the newest again"


def test_checks_out_two_commits_of_a_thousand_small_files(dataset: Dataset, tmp_path: Path) -> None:
    files = {f"{n:04d}.csv": write(tmp_path / str(n), f"x\n{n}\n") for n in range(1000)}
    first = dataset.commit(files, author="a", message="m")
    write(files["0007.csv"], "x\n1007\n1007\n")
    second = dataset.commit(files, author="a", message="m")
    assert [file.rows for file in second.files if file.path == "0007.csv"] == [2]
    done = dataset.checkout(first, tmp_path / "out")
    assert len(done.written) == 1000
    assert dataset.checkout(second, tmp_path / "out").replaced == ("0007.csv",)
    assert dataset.verify() == []
    assert dataset.resolve("HEAD~1") == first
