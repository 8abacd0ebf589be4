"""The triggers of the landing function, and its permissions."""

from typing import Any

import pytest

from pipelines.interface.landing import LONGEST_S, WINDOW_S
from pipelines.interface.names import Environment
from tests.infra.laws.law import listed
from tests.support.synth import Template, resources

NAMES = Environment(team="arrivals", stage="dev", account="111111111111", region="us-east-1")


@pytest.fixture
def operations(templates: dict[str, Template]) -> Template:
    return templates[NAMES.stack("operations")]


def one(template: Template, kind: str, prefix: str) -> dict[str, Any]:
    (found,) = (
        resource["Properties"] for name, resource in resources(template, kind).items() if name.startswith(prefix)
    )
    return dict(found)


def test_only_new_objects_in_the_data_bucket_trigger_landing(operations: Template) -> None:
    rule = one(operations, "AWS::Events::Rule", "Landing")
    detail = {"bucket": {"name": [NAMES.bucket("data")]}, "object": {"key": [{"prefix": "landing/"}]}}
    assert rule["EventPattern"] == {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    (target,) = rule["Targets"]
    assert target["Input"] == '{"wake":"landing"}', "names of files stay out of queues"


def test_queue_admits_the_accounts_own_rules(operations: Template) -> None:
    policy = one(operations, "AWS::SQS::QueuePolicy", "Landing")["PolicyDocument"]
    (admitted,) = (statement for statement in policy["Statement"] if statement["Effect"] == "Allow")
    assert admitted["Principal"] == {"Service": "events.amazonaws.com"}
    assert admitted["Condition"] == {"StringEquals": {"aws:SourceAccount": NAMES.account}}


def test_messages_are_batched_and_stay_invisible_while_the_function_runs(operations: Template) -> None:
    queue = one(operations, "AWS::SQS::Queue", "Landing")
    function = one(operations, "AWS::Lambda::Function", "FunctionsLandFiles")
    mapping = one(operations, "AWS::Lambda::EventSourceMapping", "Landing")
    assert function["Timeout"] == LONGEST_S
    assert queue["VisibilityTimeout"] == LONGEST_S + WINDOW_S
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == NAMES.arn("sqs", NAMES.dead_letter_queue)
    assert "KmsMasterKeyId" in queue
    assert mapping["MaximumBatchingWindowInSeconds"] == WINDOW_S
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_schedule_calls_the_function_without_a_message(operations: Template) -> None:
    schedule = one(operations, "AWS::Scheduler::Schedule", "Landing")
    assert schedule["ScheduleExpression"] == "rate(15 minutes)"
    assert schedule["Target"]["Arn"]["Fn::GetAtt"][0].startswith("FunctionsLandFiles")


def test_function_deletes_landed_files_only(operations: Template) -> None:
    (policy,) = one(operations, "AWS::IAM::Role", "FunctionsLandFiles")["Policies"]
    where = [
        statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
        if any(action.startswith("s3:Delete") for action in listed(statement["Action"]))
    ]
    assert where == [f"arn:aws:s3:::{NAMES.bucket('data')}/landing/*"]


def test_no_model_adds_a_queue_of_its_own(templates: dict[str, Template]) -> None:
    for name, template in templates.items():
        kinds = {resource["Type"] for resource in resources(template).values()}
        assert ("AWS::Lambda::EventSourceMapping" in kinds) == name.endswith("-operations")
