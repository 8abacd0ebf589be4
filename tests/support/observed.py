"""Metrics of the embedded AWS, and events that make them: an undelivered event, an endpoint that fails."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.support.embedded_aws import EmbeddedAws
from tests.support.functions import create_function
from tests.support.sagemaker_world import World, tar

LAMBDA = {"Service": "lambda.amazonaws.com"}
EVENTS = {"Service": "events.amazonaws.com"}
BAD_MODEL = """
import time
def model_fn(model_dir):
    return None
def input_fn(data, content_type):
    return data if isinstance(data, str) else data.decode()
def predict_fn(data, model):
    if "slow" in data:
        time.sleep(1.2)
    if "bad" in data:
        raise ValueError("a failing container")
    return [1]
def output_fn(prediction, accept):
    return "1", "text/csv"
"""


@pytest.fixture
def name() -> str:
    return f"m{uuid4().hex[:10]}"


def sum_metric(
    aws: EmbeddedAws, namespace: str, metric: str, statistic: str = "Sum", **dimensions: str
) -> float | None:
    """Return a statistic over the last hour by GetMetricData; None if there is no data."""
    now = datetime.now(UTC)
    query = {
        "Id": "q",
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            },
            "Period": 86_400,
            "Stat": statistic,
        },
    }
    (found,) = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(hours=24), EndTime=now + timedelta(hours=24)
    )["MetricDataResults"]
    return sum(found["Values"]) if found["Values"] else None


def serve_failing(world: World, name: str) -> Callable[[bytes], None]:
    """Create an endpoint whose container fails on "bad" and is slow on "slow"; return a function that calls it."""
    model = world.model(name, tar({"code/inference.py": BAD_MODEL}))
    client = world.client("sagemaker")
    variant = {
        "VariantName": "primary",
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
    }
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert world.endpoint_settled(name)["EndpointStatus"] == "InService"
    runtime = world.client("sagemaker-runtime")

    def invoke(body: bytes) -> None:
        runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType="text/csv")

    return invoke


def dead_letter_queue(aws: EmbeddedAws, name: str, rule: str, *, allowed: bool = True) -> tuple[str, str]:
    """Create a queue that EventBridge may send the events of ``rule`` to; return its URL and ARN."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if allowed:
        statement = {
            "Effect": "Allow",
            "Principal": EVENTS,
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def send_undeliverable(aws: EmbeddedAws, name: str, *, allowed: bool = True) -> str:
    """Send an event whose rule has a function that does not allow it; return the URL of its dead-letter queue."""
    role = aws.create_role(name, [], trusted=LAMBDA)
    function = create_function(aws, name, role=role)
    events = aws.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    url, queue = dead_letter_queue(aws, f"{name}-dead", rule, allowed=allowed)
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": function, "DeadLetterConfig": {"Arn": queue}}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": '{"a": 1}'}])
    return url
