"""Tests the log groups of jobs, which environments of one account share, and those of endpoints.

moto cannot change the key of a group: tests/local/repairs/test_log_groups.py tests that.
"""

import importlib
import json
from typing import Any

import pytest

from pipelines.aws.log_groups import answer, keep_endpoint_log
from pipelines.interface.env import BeginReleaseEnv
from pipelines.interface.names import JOB_LOG_GROUPS
from tests.functional.test_release import register
from tests.support.world import ENVIRONMENT, MODEL, World

OURS, THEIRS = "arn:aws:kms:us-east-1:123456789012:key/ours", "arn:aws:kms:us-east-1:123456789012:key/theirs"
TRAINING = "/aws/sagemaker/TrainingJobs"


def deploy(world: World, kind: str = "Create", *, key: str = OURS, days: object = 90) -> dict[str, Any]:
    """Send CloudFormation's event of an environment with this key; return the answer."""
    event = {
        "RequestType": kind,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "JobLogs",
        # CloudFormation gives every value as text, and properties that are its own.
        "ResourceProperties": {"ServiceToken": "x", "ServiceTimeout": "900", "KeyArn": key, "Days": str(days)},
    }
    sent: list[bytes] = []
    answer(event, world.services, send=lambda _url, body: sent.append(body))
    return dict(json.loads(sent[0]))


def described(world: World, name: str = TRAINING) -> tuple[str | None, int | None]:
    """Return the key and the retention of a log group."""
    found = world.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    (group,) = (each for each in found if each["logGroupName"] == name)
    return group.get("kmsKeyId"), group.get("retentionInDays")


def test_absent_groups_are_created_with_key_and_retention(world: World) -> None:
    assert deploy(world)["Status"] == "SUCCESS"
    assert {name: described(world, name) for name in JOB_LOG_GROUPS} == dict.fromkeys(JOB_LOG_GROUPS, (OURS, 90))


@pytest.mark.parametrize("order", [(30, 365), (365, 30)])
def test_environments_of_one_account_agree_in_any_order(world: World, order: tuple[int, int]) -> None:
    first, second = order
    deploy(world, key=OURS, days=first)
    assert deploy(world, key=THEIRS, days=second)["Status"] == "SUCCESS"
    deploy(world, "Update", key=OURS, days=first)
    assert described(world) == (OURS, 365), "the first key stays, the longest retention wins"


def test_group_whose_name_only_begins_alike_is_another(world: World) -> None:
    world.client("logs").create_log_group(logGroupName=f"{TRAINING}-of-somebody")
    assert deploy(world)["Status"] == "SUCCESS"
    assert described(world) == (OURS, 90)
    assert described(world, f"{TRAINING}-of-somebody") == (None, None)


def test_failure_is_answered(world: World) -> None:
    refused = deploy(world, days="many")
    assert refused["Status"] == "FAILED"
    assert "many" in refused["Reason"]


def test_endpoint_gets_the_retention_of_its_environment_also_if_that_is_shorter(world: World) -> None:
    for days in (365, 30):
        keep_endpoint_log(world.services, MODEL.name, key_arn=OURS, days=days)
        assert described(world, MODEL.endpoint_log_group) == (OURS, days)


def test_release_makes_the_log_group_before_the_endpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    env = BeginReleaseEnv(
        team=ENVIRONMENT.team,
        stage=ENVIRONMENT.stage,
        account=ENVIRONMENT.account,
        region=ENVIRONMENT.region,
        data_bucket=ENVIRONMENT.bucket("data"),
        key_arn=OURS,
        log_days="60",
    )
    for name, value in env.to_environment().items():
        monkeypatch.setenv(name, value)
    handle = importlib.import_module("functions.begin_release.handler").handle
    request = {"package_arn": register(world, 1), "execution": "e", "by": "ann", "rollback": False}
    assert handle(request, None)["model"] == MODEL.name
    assert described(world, MODEL.endpoint_log_group) == (OURS, 60)
