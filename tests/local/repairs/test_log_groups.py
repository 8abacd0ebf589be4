"""Keys of log groups that exist: two operations that MiniStack lacks, and the environments that use them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.aws.log_groups import answer
from pipelines.interface.names import JOB_LOG_GROUPS, Environment
from tests.support.embedded_aws import EmbeddedAws

ENVIRONMENT = Environment(team="arrivals", stage="dev", account="777777777777", region="us-east-1")
OURS, THEIRS = (ENVIRONMENT.arn("kms", f"key/{name}") for name in ("ours", "theirs"))
GROUP = JOB_LOG_GROUPS[1]


class Account:
    """An account of its own, whose groups of jobs no other test has."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws

    def client(self, service: str) -> Any:
        return self._aws.client(service, ENVIRONMENT.account, ENVIRONMENT.region)

    def deploy(self, kind: str, key: str) -> None:
        """Send CloudFormation's event of an environment with this key."""
        event = {
            **{"RequestType": kind, "ResponseURL": "https://answer", "StackId": "stack", "RequestId": "request"},
            **{"LogicalResourceId": "JobLogs", "ResourceProperties": {"KeyArn": key, "Days": "90"}},
        }
        sent: list[bytes] = []
        answer(event, Services(ENVIRONMENT, self.client), send=lambda _url, body: sent.append(body))
        assert json.loads(sent[0])["Status"] == "SUCCESS", sent

    def described(self) -> tuple[str | None, int | None]:
        """Return key and retention."""
        (found,) = self.client("logs").describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
        return found.get("kmsKeyId"), found.get("retentionInDays")


@pytest.fixture
def account(embedded_aws: EmbeddedAws) -> Account:
    found = Account(embedded_aws)
    logs = found.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    return found


def test_group_that_sagemaker_made_gets_key_and_retention(account: Account) -> None:
    account.client("logs").create_log_group(logGroupName=GROUP)
    assert account.described() == (None, None)
    account.deploy("Create", OURS)
    assert account.described() == (OURS, 90)


def test_deleted_environment_takes_its_key_off_and_leaves_the_group_to_the_others(account: Account) -> None:
    account.deploy("Create", OURS)
    account.deploy("Delete", THEIRS)
    assert account.described() == (OURS, 90), "another environment's key is not touched"
    account.deploy("Delete", OURS)
    assert account.described() == (None, 90)
    account.deploy("Update", THEIRS)
    assert account.described() == (THEIRS, 90)


def test_key_of_an_absent_group_is_refused(account: Account) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.client("logs").associate_kms_key(logGroupName="/absent", kmsKeyId=OURS)
