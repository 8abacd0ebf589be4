"""Events that cannot be delivered: their metrics, and the dead-letter queues that get them."""

import json

from tests.support.embedded_aws import REGION, EmbeddedAws
from tests.support.functions import create_function
from tests.support.observed import LAMBDA, dead_letter_queue, name, send_undeliverable, sum_metric
from tests.support.sagemaker_world import wait

__all__ = ["name"]


def test_undeliverable_event_counts_and_goes_to_the_dead_letter_queue(embedded_aws: EmbeddedAws, name: str) -> None:
    url = send_undeliverable(embedded_aws, name)
    (message,) = embedded_aws.client("sqs").receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    assert json.loads(message["Body"])["detail"] == {"a": 1}
    about = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert about["ERROR_CODE"] == "NO_PERMISSIONS"
    assert about["TARGET_ARN"].endswith(f":function:{name}")
    assert about["RULE_ARN"].endswith(f":rule/{name}")
    for metric in ("Invocations", "FailedInvocations", "InvocationsSentToDlq"):
        assert sum_metric(embedded_aws, "AWS/Events", metric, RuleName=name) == 1.0


def test_target_that_does_not_exist_is_a_failed_invocation(embedded_aws: EmbeddedAws, name: str) -> None:
    events = embedded_aws.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    url, queue = dead_letter_queue(embedded_aws, f"{name}-dead", rule)
    gone = f"arn:aws:sqs:{REGION}:111111111111:gone-{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": gone, "DeadLetterConfig": {"Arn": queue}}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])
    (message,) = embedded_aws.client("sqs").receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
    assert sum_metric(embedded_aws, "AWS/Events", "FailedInvocations", RuleName=name) == 1.0


def test_dead_letter_queue_must_allow_the_rule(embedded_aws: EmbeddedAws, name: str) -> None:
    url = send_undeliverable(embedded_aws, name, allowed=False)
    wait(lambda: sum_metric(embedded_aws, "AWS/Events", "InvocationsFailedToBeSentToDlq", RuleName=name) == 1.0)
    assert "Messages" not in embedded_aws.client("sqs").receive_message(QueueUrl=url)


def test_event_of_a_schedule_goes_to_the_dead_letter_queue(embedded_aws: EmbeddedAws, name: str) -> None:
    role = embedded_aws.create_role(name, [], trusted=LAMBDA)
    function = create_function(embedded_aws, name, role=role)
    sqs, scheduler = embedded_aws.client("sqs"), embedded_aws.client("scheduler")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    calls = embedded_aws.create_role(f"{name}-schedule", [sends], trusted={"Service": "scheduler.amazonaws.com"})
    target = {"Arn": function, "RoleArn": calls, "Input": '{"a": 1}', "DeadLetterConfig": {"Arn": queue}}
    scheduler.create_schedule_group(Name=name)
    scheduler.create_schedule(
        Name=name,
        GroupName=name,
        ScheduleExpression="rate(1 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    read = {"QueueUrl": url, "MessageAttributeNames": ["All"], "WaitTimeSeconds": 1, "MaxNumberOfMessages": 1}
    (message,) = wait(lambda: sqs.receive_message(**read).get("Messages"))
    scheduler.delete_schedule(Name=name, GroupName=name)
    assert message["Body"] == '{"a": 1}'
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    for metric in ("InvocationAttemptCount", "TargetErrorCount", "InvocationsSentToDeadLetterCount"):
        assert sum_metric(embedded_aws, "AWS/Scheduler", metric, ScheduleGroup=name)
