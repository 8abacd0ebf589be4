"""Each alarm of our templates, fired by an event."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.observed import name, send_undeliverable, serve_failing
from tests.support.sagemaker_world import World, wait, world

__all__ = ["name", "world"]

GOLDEN = Path(__file__).parents[2] / "infra" / "golden"


def _alarms() -> dict[str, dict[str, Any]]:
    """Return the properties of each alarm in the golden templates, by template and logical id."""
    return {
        f"{path.stem}:{logical_id}": resource["Properties"]
        for path in sorted(GOLDEN.glob("*.json"))
        for logical_id, resource in json.loads(path.read_text()).get("Resources", {}).items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def _refuse_event(world: World, name: str) -> dict[str, str]:
    send_undeliverable(world.aws, name)
    return {"QueueName": f"{name}-dead"}


def _fail_container(world: World, name: str) -> dict[str, str]:
    invoke = serve_failing(world, name)
    with pytest.raises(ClientError, match="ModelError"):
        invoke(b"bad")
    return {"EndpointName": name, "VariantName": "primary"}


CAUSES: dict[tuple[str, str], Callable[[World, str], dict[str, str]]] = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): _refuse_event,
    ("AWS/SageMaker", "Invocation5XXErrors"): _fail_container,
}
"""Real event that must fire an alarm, by namespace and metric; it returns the dimensions of its resource."""


@pytest.mark.parametrize("alarm", _alarms())
def test_each_alarm_of_our_templates_fires(world: World, name: str, alarm: str) -> None:
    properties = _alarms()[alarm]
    cause = CAUSES[(properties["Namespace"], properties["MetricName"])]
    topic, url = _notices(world, name)
    dimensions = cause(world, name)
    assert set(dimensions) == {dimension["Name"] for dimension in properties["Dimensions"]}
    request = properties | {
        "AlarmName": name,
        "AlarmActions": [topic],
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    cloudwatch, sqs = world.client("cloudwatch"), world.client("sqs")
    cloudwatch.put_metric_alarm(**request)
    (message,) = wait(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), timeout_s=20)
    notice = json.loads(json.loads(message["Body"])["Message"])
    assert (notice["AlarmName"], notice["NewStateValue"]) == (name, "ALARM")
    cloudwatch.delete_alarms(AlarmNames=[name])


def _notices(world: World, name: str) -> tuple[str, str]:
    """Create a topic with a queue that gets its messages; return the topic's ARN and the queue's URL."""
    topic = world.client("sns").create_topic(Name=name)["TopicArn"]
    sqs = world.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    world.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    return topic, url
