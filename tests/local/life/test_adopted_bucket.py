"""A bucket that is older than the environment becomes its data bucket: objects stay, settings change in place."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from mooring import bootstrap, cdk
from mooring.cdk import fleet_file
from mooring.cli import cli
from mooring.cli.fleet import find
from tests.support.embedded_aws import EmbeddedAws

BUCKET = "lake-of-flights"
ENVIRONMENT = "network-dev-eu-west-1"
PLACE = 'stage: dev, account: "222222222221", region: eu-west-1'


def test_planted_bucket_is_adopted_with_its_objects(
    embedded_aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(fleet_file().read_text().replace(PLACE, f"{PLACE}, adopt: {{data_bucket: {BUCKET}}}"))
    monkeypatch.setenv("MOORING_FLEET", str(fleet))
    environment = find(ENVIRONMENT)
    assert environment.bucket("data") == BUCKET
    for name, value in embedded_aws.variables(environment.account, environment.region).items():
        monkeypatch.setenv(name, value)
    s3 = embedded_aws.client("s3", environment.account, environment.region)
    where = {"LocationConstraint": environment.region}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    s3.put_object(Bucket=BUCKET, Key="old/flights.csv", Body=b"carrier\nUA\n")
    before = s3.head_object(Bucket=BUCKET, Key="old/flights.csv")
    bootstrap.bootstrap(environment, variables=dict(os.environ), log=tmp_path / "bootstrap.log")

    def adopt(*options: str) -> list[dict[str, object]]:
        result = CliRunner().invoke(cli, ["adopt", ENVIRONMENT, "--json", *options], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        stacks: list[dict[str, object]] = json.loads(result.stdout)["stacks"]
        return stacks

    (planned,) = adopt("--plan")
    assert planned["stack"] == environment.stack("foundation")
    assert [one["identifier"] for one in planned["imports"]] == [{"BucketName": BUCKET}]  # type: ignore[attr-defined]
    assert adopt("--yes") == [planned]
    cdk.run(
        ["deploy", environment.stack("foundation"), "--require-approval", "never"],
        variables=dict(os.environ),
        log=tmp_path / "deploy.log",
    )
    assert adopt("--plan") == []
    after = s3.head_object(Bucket=BUCKET, Key="old/flights.csv")
    assert after["LastModified"] == before["LastModified"]
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    rule = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert f"{ENVIRONMENT}-data-{environment.account}" not in names
