"""Clients without an endpoint reach the embedded AWS through its proxy, and nothing else."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ProxyConnectionError
from click.testing import CliRunner

from mooring.cli import cli
from mooring.embedded import process, trust
from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws

CONFIG = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def through_proxy(embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """Set the variables of ``mooring env --proxy``, without the endpoint: as for a client that ignores it."""
    variables = process.variables(embedded_aws.server, account=ACCOUNT, region=REGION, proxied=True)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    return embedded_aws


def _client(service: str, **options: Any) -> Any:
    return boto3.Session().client(service, config=CONFIG, **options)  # type: ignore[call-overload]


def test_client_without_an_endpoint_reaches_the_embedded_aws(through_proxy: EmbeddedAws) -> None:
    client = _client("ssm")
    assert client.meta.endpoint_url == f"https://ssm.{REGION}.amazonaws.com"
    client.put_parameter(Name="/through-proxy", Value="seen", Type="String")
    found = through_proxy.client("ssm").get_parameter(Name="/through-proxy")
    assert found["Parameter"]["Value"] == "seen"


def test_hosts_with_several_labels(through_proxy: EmbeddedAws) -> None:
    assert "Models" in _client("sagemaker").list_models()
    legacy = _client("sqs", endpoint_url=f"https://{REGION}.queue.amazonaws.com")
    url = legacy.create_queue(QueueName="through-proxy")["QueueUrl"]
    legacy.send_message(QueueUrl=url, MessageBody="seen")
    queue = through_proxy.client("sqs").get_queue_url(QueueName="through-proxy")["QueueUrl"]
    (message,) = through_proxy.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "seen"


def test_virtual_hosted_buckets(through_proxy: EmbeddedAws) -> None:
    client = _client("s3")
    client.create_bucket(Bucket="through-proxy", CreateBucketConfiguration={"LocationConstraint": REGION})
    body = os.urandom(3_000_000)
    client.put_object(Bucket="through-proxy", Key="a key/ü", Body=body)
    url = client.generate_presigned_url("get_object", Params={"Bucket": "through-proxy", "Key": "a key/ü"})
    assert url.startswith("https://through-proxy.s3.")
    with urllib.request.build_opener().open(url) as answer:
        assert answer.read() == body
    assert through_proxy.client("s3").get_object(Bucket="through-proxy", Key="a key/ü")["Body"].read() == body


def test_signatures_over_the_host_are_verified(through_proxy: EmbeddedAws) -> None:
    role = through_proxy.create_role(
        "through-proxy", [{"Effect": "Allow", "Action": "sns:ListTopics", "Resource": "*"}]
    )
    credentials = _client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    options = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
    assert "Topics" in _client("sns", **options).list_topics()
    with pytest.raises(ClientError, match="not authorized to perform: sqs:ListQueues"):
        _client("sqs", **options).list_queues()
    with pytest.raises(ClientError, match="signature"):
        _client("sns", **options | {"aws_secret_access_key": "wrong"}).list_topics()


@pytest.mark.usefixtures("through_proxy")
def test_no_other_machine_is_reached() -> None:
    for url in ("https://example.com/", "https://console.aws.amazon.com/"):
        with pytest.raises(urllib.error.URLError, match="403 the embedded AWS does not serve"):
            urllib.request.build_opener().open(url)
    with pytest.raises(urllib.error.HTTPError, match="forwards HTTPS only"):
        urllib.request.build_opener().open("http://169.254.169.254/latest/meta-data/")
    with pytest.raises(ProxyConnectionError):
        _client("sts", region_name="us-gov-west-1").get_caller_identity()


def test_arrow_trusts_the_server_by_the_variable(embedded_aws: EmbeddedAws) -> None:
    client = embedded_aws.client("s3")
    client.create_bucket(Bucket="for-arrow", CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_object(Bucket="for-arrow", Key="a", Body=b"rows")
    program = f"""
from pyarrow import fs
arrow = fs.S3FileSystem(endpoint_override="localhost:{embedded_aws.server.port}", region="{REGION}")
print(arrow.open_input_stream("for-arrow/a").read())
"""

    def run(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False
        )

    variables = {**os.environ, **embedded_aws.variables()}
    assert run(variables).stdout == "b'rows'\n"
    del variables["SSL_CERT_FILE"]
    assert "unable to get local issuer certificate" in run(variables).stderr


def test_env_prints_the_proxy_and_removes_it_again(embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["env", ACCOUNT, "--region", REGION, *arguments], catch_exceptions=False)
        return result.output

    monkeypatch.setenv("MOORING_HOME", str(embedded_aws.server.home))
    monkeypatch.setenv("NO_PROXY", "intranet,.amazonaws.com")
    proxied = json.loads(run("--proxy", "--json"))
    address = embedded_aws.server.proxy_url
    assert (proxied["HTTPS_PROXY"], proxied["https_proxy"], proxied["HTTP_PROXY"]) == (address, address, address)
    assert proxied["NO_PROXY"] == proxied["no_proxy"] == "localhost,127.0.0.1"
    direct = json.loads(run("--json"))
    assert direct["NO_PROXY"] == "intranet,.amazonaws.com,localhost,127.0.0.1"
    assert "HTTPS_PROXY" not in direct
    assert {direct[name] for name in trust.VARIABLES} == {str(embedded_aws.server.home / "trust.pem")}
    assert direct["AWS_DISABLE_HOST_PREFIX_INJECTION"] == "true"
    monkeypatch.setenv("HTTPS_PROXY", address)
    monkeypatch.setenv("https_proxy", "http://company:3128")
    assert run().splitlines()[0] == "unset AWS_PROFILE AWS_SESSION_TOKEN HTTPS_PROXY"
    assert "unset AWS_PROFILE AWS_SESSION_TOKEN\n" in run("--proxy")
