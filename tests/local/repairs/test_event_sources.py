"""Event source mappings of queues: batching window, large batches, the function's role."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from tests.support.embedded_aws import REGION, EmbeddedAws
from tests.support.functions import create_function

RECEIVE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def _create_mapping(aws: EmbeddedAws, actions: list[str], *, window_s: int) -> tuple[str, str]:
    """Create a queue that invokes a function, and a queue for its reports; return the URLs of both queues.

    The function sends the number of messages of each invocation to the second queue.
    """
    sqs, name = aws.client("sqs"), f"w{uuid4().hex[:10]}"
    source, reports = (sqs.create_queue(QueueName=f"{name}-{which}")["QueueUrl"] for which in ("source", "reports"))
    arn = sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    role = aws.create_role(
        name,
        [
            {"Effect": "Allow", "Action": actions, "Resource": arn},
            {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"], "Resource": "*"},
        ],
        trusted={"Service": "lambda.amazonaws.com"},
    )
    program = f"""
import boto3
def handle(event, context):
    sqs = boto3.client("sqs", region_name="{REGION}")
    url = sqs.get_queue_url(QueueName="{name}-reports")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=str(len(event["Records"])))
"""
    aws.client("lambda").create_event_source_mapping(
        FunctionName=create_function(aws, name, program, role=role),
        EventSourceArn=arn,
        BatchSize=1000,
        MaximumBatchingWindowInSeconds=window_s,
    )
    return source, reports


def _send(aws: EmbeddedAws, url: str, count: int) -> None:
    for start in range(0, count, 10):
        entries = [{"Id": str(number), "MessageBody": json.dumps(number)} for number in range(start, start + 10)]
        aws.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)


def _receive(aws: EmbeddedAws, url: str, wait_s: int) -> list[dict[str, Any]]:
    return list(aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=wait_s).get("Messages", []))


def test_window_gathers_messages_into_one_batch(embedded_aws: EmbeddedAws) -> None:
    source, reports = _create_mapping(embedded_aws, RECEIVE, window_s=3)
    begun = time.monotonic()
    for _ in range(4):
        _send(embedded_aws, source, 10)
        time.sleep(0.3)
    (message,) = _receive(embedded_aws, reports, 15)
    assert message["Body"] == "40"
    assert time.monotonic() - begun >= 3


@pytest.mark.parametrize("missing", RECEIVE)
def test_function_without_permission_to_receive_is_not_invoked(embedded_aws: EmbeddedAws, missing: str) -> None:
    source, reports = _create_mapping(embedded_aws, [action for action in RECEIVE if action != missing], window_s=0)
    _send(embedded_aws, source, 10)
    assert _receive(embedded_aws, reports, 2) == []
