"""``mooring bootstrap`` makes the account's provider of a CI system's tokens, and leaves one that exists."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from mooring.bootstrap import add_issuer
from mooring.errors import MooringError

URL, AUDIENCE, ACCOUNT = "https://token.actions.githubusercontent.com", "sts.amazonaws.com", "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def test_the_provider_is_made_once() -> None:
    iam = boto3.client("iam")
    for _ in range(2):
        add_issuer(iam, ACCOUNT, URL, AUDIENCE)
    assert [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [ARN]
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=ARN)["ClientIDList"] == [AUDIENCE]


def test_a_provider_of_others_is_left_and_one_without_the_audience_is_refused() -> None:
    iam = boto3.client("iam")
    iam.create_open_id_connect_provider(Url=URL, ClientIDList=["theirs", AUDIENCE], ThumbprintList=["a" * 40])
    add_issuer(iam, ACCOUNT, URL, AUDIENCE)
    with pytest.raises(MooringError, match=r"does not accept the audience ours") as caught:
        add_issuer(iam, ACCOUNT, URL, "ours")
    assert f"--open-id-connect-provider-arn {ARN} --client-id ours" in caught.value.remedy
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=ARN)["ClientIDList"] == ["theirs", AUDIENCE]
