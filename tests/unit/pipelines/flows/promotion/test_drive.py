"""A step is started once per attempt and environment, with the record and the approver that AWS names."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.components.stage_flow import LONGEST_STEP_S
from pipelines.aws.clients import Services
from pipelines.flows.promotion.approver import MissingApprovalError
from pipelines.flows.promotion.drive import (
    FIRST_WAIT_S,
    MAX_ARCHIVE_BYTES,
    MAX_MEMBER_BYTES,
    InvalidArchiveError,
    drive,
    wait_of,
)
from pipelines.interface.names import Environment
from pipelines.interface.requests import DriveAnswer, DriveRequest, Step

TOOLING = Environment(team="arrivals", stage="tooling", account="333333333331", region="eu-west-1")
PROD = Environment(team="arrivals", stage="prod", account="111111111113", region="us-east-1")
ATTEMPT = TOOLING.arn("states", "execution:arrivals-tooling-eu-west-1-promotion:one")
PERSON = "arn:aws:sts::333333333331:assumed-role/approver/ann"
REQUEST = DriveRequest(
    step=Step.RELEASE,
    stage="prod",
    execution="e-1",
    record_key="records/abc.zip",
    environment=PROD,
    attempt=ATTEMPT,
    approval=True,
)
RUNNING = DriveAnswer(status="running", environment=PROD.id, wait_s=FIRST_WAIT_S)


def archive(**members: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in members.items():
            opened.writestr(name.replace("_json", ".json"), text)
    return written.getvalue()


def approval(by: str | None, *, stage: str = "prod", at: int = 1, status: str = "Succeeded") -> dict[str, Any]:
    kind = {"actionTypeId": {"category": "Approval"}}
    found = {"stageName": stage, "actionName": "Approve", "status": status, "lastUpdateTime": at, "input": kind}
    return found | ({"updatedBy": by} if by else {})


@dataclass
class Cloud:
    """The clients of both accounts, with what the embedded AWS would keep."""

    content: bytes = field(default_factory=lambda: archive(record_json="{}", signature_json='{"value": ""}'))
    actions: Sequence[dict[str, Any]] = (approval(PERSON),)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)

    def get_object(self, **request: str) -> dict[str, Any]:
        assert (request["Bucket"], request["Key"]) == (TOOLING.bucket("records"), "records/abc.zip")
        return {"Body": io.BytesIO(self.content)}

    def get_paginator(self, name: str) -> "Cloud":
        assert name == "list_action_executions"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        assert request == {
            "pipelineName": "arrivals-tooling-eu-west-1-models",
            "filter": {"pipelineExecutionId": "e-1"},
        }
        yield from ({"actionExecutionDetails": [action]} for action in self.actions)

    def describe_execution(self, **request: str) -> dict[str, Any]:
        if request["executionArn"] not in self.executions:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return self.executions[request["executionArn"]]

    def start_execution(self, **request: str) -> None:
        arn = PROD.arn("states", f"execution:{PROD.state_machine('promotion')}:{request['name']}")
        if arn in self.executions:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.executions[arn] = {"status": "RUNNING", "startDate": datetime.now(UTC)}
        self.started.append({**request, "input": json.loads(request["input"])})

    def drive(self, request: DriveRequest = REQUEST) -> DriveAnswer:
        def promoter(environment: Environment) -> Services:
            return Services(environment, lambda _: self)

        return drive(request, Services(TOOLING, lambda _: self), promoter=promoter)


def test_first_call_starts_the_environments_machine_with_the_record_and_the_approver() -> None:
    cloud = Cloud()
    assert cloud.drive() == RUNNING
    (started,) = cloud.started
    assert started["stateMachineArn"] == PROD.state_machine_arn("promotion")
    assert started["input"] == {
        "step": "release",
        "execution": "e-1",
        "digest": "abc",
        "record": "{}",
        "signature": '{"value": ""}',
        "by": PERSON,
    }


def test_later_calls_of_the_attempt_start_nothing_and_follow_the_execution() -> None:
    cloud = Cloud()
    cloud.drive()
    assert cloud.drive() == RUNNING
    (arn,) = cloud.executions
    cloud.executions[arn] = {"status": "SUCCEEDED"}
    assert cloud.drive() == DriveAnswer(status="succeeded", environment=PROD.id)
    cloud.executions[arn] = {"status": "FAILED", "error": "PromotionFailedError", "cause": "alarm"}
    assert cloud.drive() == DriveAnswer(
        status="failed", environment=PROD.id, cause=f"{PROD.id}: FAILED: PromotionFailedError: alarm"
    )
    assert len(cloud.started) == 1


def test_call_that_another_call_overtakes_is_no_error() -> None:
    class Late(Cloud):
        def describe_execution(self, **request: str) -> dict[str, Any]:  # noqa: ARG002
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")

    cloud = Late()
    assert cloud.drive() == cloud.drive() == RUNNING
    assert len(cloud.started) == 1


def test_denied_call_is_an_error() -> None:
    class Denied(Cloud):
        def describe_execution(self, **request: str) -> dict[str, Any]:  # noqa: ARG002
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeExecution")

        def start_execution(self, **request: str) -> None:  # noqa: ARG002
            raise AssertionError("nothing is started")

    with pytest.raises(ClientError):
        Denied().drive()


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, attempt=f"{ATTEMPT}2"),
        replace(REQUEST, step=Step.RETURN),
        replace(REQUEST, environment=replace(PROD, region="eu-west-1")),
    ],
)
def test_another_attempt_step_or_environment_has_an_execution_of_its_own(other: DriveRequest) -> None:
    cloud = Cloud()
    cloud.drive()
    cloud.drive(other)
    first, second = (started["name"] for started in cloud.started)
    assert first != second
    assert max(len(first), len(second)) <= 80


def test_smoke_test_needs_no_record() -> None:
    cloud = Cloud(content=b"none", actions=())
    cloud.drive(replace(REQUEST, step=Step.SMOKE, record_key=""))
    assert cloud.started[0]["input"] == {
        "step": "smoke",
        "execution": "e-1",
        "digest": "",
        "record": "",
        "signature": "",
        "by": "",
    }


def test_newest_approval_of_the_stage_counts() -> None:
    cloud = Cloud(
        actions=(
            approval("arn:aws:iam::333333333331:user/old", at=1),
            approval(PERSON, at=3),
            approval("arn:aws:iam::333333333331:user/other", stage="staging", at=4),
            approval("arn:aws:iam::333333333331:user/refuses", at=5, status="Failed"),
        )
    )
    cloud.drive()
    assert cloud.started[0]["input"]["by"] == PERSON


def test_stage_without_approval_is_released_by_the_pipelines_execution() -> None:
    cloud = Cloud(actions=())
    cloud.drive(replace(REQUEST, approval=False))
    assert cloud.started[0]["input"]["by"] == (
        "arn:aws:codepipeline:eu-west-1:333333333331:arrivals-tooling-eu-west-1-models/e-1"
    )


@pytest.mark.parametrize("actions", [(), (approval(None),), (approval(PERSON, stage="staging"),)])
def test_release_without_the_persons_approval_is_refused(actions: Sequence[dict[str, Any]]) -> None:
    cloud = Cloud(actions=actions)
    with pytest.raises(MissingApprovalError, match="nobody approved stage prod"):
        cloud.drive()
    assert cloud.started == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no archive", "is no archive"),
        (archive(record_json="{}"), "allowed: exactly"),
        (archive(record_json="{}", signature_json="{}", other="x"), "allowed: exactly"),
        (archive(record_json="0" * (MAX_MEMBER_BYTES + 1), signature_json="{}"), "record.json in .* has more than"),
        (b"x" * (MAX_ARCHIVE_BYTES + 1), "has more than"),
    ],
)
def test_archive_that_is_not_a_records_is_refused(content: bytes, reason: str) -> None:
    cloud = Cloud(content=content)
    with pytest.raises(InvalidArchiveError, match=reason):
        cloud.drive()
    assert cloud.started == []


def test_polls_of_the_longest_step_in_ten_regions_fit_into_the_history_of_the_machine() -> None:
    polls, age_s = 0, 0.0
    while age_s < LONGEST_STEP_S:
        polls, age_s = polls + 1, age_s + wait_of(age_s)
    # A poll is a wait (2 events), a task (5) and a choice (2); a history has 25,000 events.
    assert polls * 9 * 10 < 24_000
    assert wait_of(0) == FIRST_WAIT_S
