"""Hosts that the embedded AWS's proxy leads to the server, and hosts that it refuses."""

import pytest

from mooring.embedded import proxy


@pytest.mark.parametrize(
    "host",
    [
        "sts.amazonaws.com",
        "sts.eu-west-1.amazonaws.com",
        "STS.us-east-1.amazonaws.com",
        "a-bucket.s3.eu-west-1.amazonaws.com",
        "a-bucket.s3.amazonaws.com",
        "api.sagemaker.eu-west-1.amazonaws.com",
        "runtime.sagemaker.eu-west-1.amazonaws.com",
        "eu-west-1.queue.amazonaws.com",
        "111111111111.s3-control.eu-west-1.amazonaws.com",
        "api.ecr.eu-west-1.amazonaws.com",
        "streams.dynamodb.eu-west-1.amazonaws.com",
    ],
)
def test_leads_the_hosts_of_aws_to_the_server(host: str) -> None:
    assert proxy.refusal("CONNECT", f"{host}:443") == ""


@pytest.mark.parametrize(
    "target",
    [
        "example.com:443",
        "amazonaws.com.example.com:443",
        "sts.cn-north-1.amazonaws.com.cn:443",
        "sts.us-gov-west-1.amazonaws.com:443",
        "console.aws.amazon.com:443",
        "a.b.c.amazonaws.com:443",
        "sts.amazonaws.com:80",
        "169.254.169.254:443",
        "localhost:443",
        "",
    ],
)
def test_refuses_every_other_host_by_its_name(target: str) -> None:
    assert f"does not serve {target}," in proxy.refusal("CONNECT", target)


def test_refuses_requests_without_tls() -> None:
    url = "http://169.254.169.254/latest/meta-data/"
    assert f"forwards HTTPS only, not GET {url}" in proxy.refusal("GET", url)
