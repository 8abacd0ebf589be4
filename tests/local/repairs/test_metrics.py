"""CloudWatch: the metrics that services publish by themselves, and each alarm of our templates, fired by an event."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from mooring.cli.fleet import find
from pipelines.aws.metrics import write_metrics
from pipelines.interface.metrics import NAMESPACE, Metric
from tests.support.embedded_aws import REGION, EmbeddedAws
from tests.support.functions import create_function, finish
from tests.support.sagemaker_world import World, tar, wait, world

__all__ = ["world"]

GOLDEN = Path(__file__).parents[2] / "infra" / "golden"
LAMBDA = {"Service": "lambda.amazonaws.com"}
STATES = {"Service": "states.amazonaws.com"}
EVENTS = {"Service": "events.amazonaws.com"}
FAILING = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
WAITING = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
PASSING = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
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


def _sum(aws: EmbeddedAws, namespace: str, metric: str, statistic: str = "Sum", **dimensions: str) -> float | None:
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


def _machine(aws: EmbeddedAws, name: str, definition: dict[str, Any]) -> str:
    role = aws.create_role(f"{name}-machine", [], trusted=STATES)
    made = aws.client("stepfunctions").create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    return str(made["stateMachineArn"])


@pytest.mark.parametrize(
    ("definition", "metric"),
    [
        (PASSING, "ExecutionsSucceeded"),
        (FAILING, "ExecutionsFailed"),
        (WAITING | {"TimeoutSeconds": 1}, "ExecutionsTimedOut"),
        (WAITING, "ExecutionsAborted"),
    ],
)
def test_executions_are_counted_by_their_end(
    embedded_aws: EmbeddedAws, name: str, definition: dict[str, Any], metric: str
) -> None:
    machine = _machine(embedded_aws, name, definition)
    states = embedded_aws.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    if metric == "ExecutionsAborted":
        states.stop_execution(executionArn=execution)
    finish(embedded_aws, execution)
    wait(lambda: _sum(embedded_aws, "AWS/States", metric, StateMachineArn=machine) == 1.0)
    assert _sum(embedded_aws, "AWS/States", "ExecutionsStarted", StateMachineArn=machine) == 1.0
    found = embedded_aws.client("cloudwatch").list_metrics(Namespace="AWS/States")["Metrics"]
    ends = {each["MetricName"] for each in found if each["Dimensions"][0]["Value"] == machine}
    assert ends == {"ExecutionsStarted", metric, "ExecutionTime"}
    took = _sum(embedded_aws, "AWS/States", "ExecutionTime", "Maximum", StateMachineArn=machine)
    assert took is not None
    assert took < 20_000


def test_invocations_are_counted_whoever_calls(embedded_aws: EmbeddedAws, name: str) -> None:
    role = embedded_aws.create_role(name, [], trusted=LAMBDA)
    source = "def handle(event, context):\n    if event.get('fail'): raise ValueError('x')\n"
    function = create_function(embedded_aws, name, source, role=role)
    client, events = embedded_aws.client("lambda"), embedded_aws.client("events")
    client.invoke(FunctionName=name, Payload=b"{}")
    client.invoke(FunctionName=name, Payload=b'{"fail": true}')
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": function}])
    client.add_permission(
        FunctionName=name, StatementId="e", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])
    wait(lambda: _sum(embedded_aws, "AWS/Lambda", "Invocations", FunctionName=name) == 3.0)
    assert _sum(embedded_aws, "AWS/Lambda", "Errors", FunctionName=name) == 1.0
    assert _sum(embedded_aws, "AWS/Lambda", "Throttles", FunctionName=name) == 0.0
    duration = _sum(embedded_aws, "AWS/Lambda", "Duration", "Average", FunctionName=name)
    assert duration is not None
    assert duration > 0
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        client.invoke(FunctionName=name, Payload=b"{}")
    assert _sum(embedded_aws, "AWS/Lambda", "Throttles", FunctionName=name) == 1.0
    assert _sum(embedded_aws, "AWS/Lambda", "Invocations", FunctionName=name) == 3.0


def test_messages_of_a_queue_are_counted(embedded_aws: EmbeddedAws, name: str) -> None:
    sqs = embedded_aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def visible(statistic: str) -> float | None:
        return _sum(embedded_aws, "AWS/SQS", "ApproximateNumberOfMessagesVisible", statistic, QueueName=name)

    wait(lambda: visible("Maximum") == 0.0)
    sqs.send_message(QueueUrl=url, MessageBody="1")
    sqs.send_message(QueueUrl=url, MessageBody="2")
    wait(lambda: visible("Maximum") == 2.0)
    sqs.receive_message(QueueUrl=url)
    wait(
        lambda: _sum(embedded_aws, "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "Maximum", QueueName=name) == 1.0
    )


def _serve(world: World, name: str) -> Callable[[bytes], None]:
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


def test_requests_of_an_endpoint_are_counted_and_timed(world: World, name: str) -> None:
    invoke = _serve(world, name)
    invoke(b"good")
    invoke(b"slow")
    with pytest.raises(ClientError, match="ModelError"):
        invoke(b"bad")
    with pytest.raises(ClientError, match="ModelError"):
        world.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"\xff", ContentType="image/png")

    def of_variant(metric: str, statistic: str = "Sum") -> float | None:
        return _sum(world.aws, "AWS/SageMaker", metric, statistic, EndpointName=name, VariantName="primary")

    assert of_variant("Invocations") == 4.0
    assert of_variant("InvocationsPerInstance") == 2.0
    assert of_variant("Invocation5XXErrors") == 2.0
    assert of_variant("Invocation4XXErrors") == 0.0
    longest, typical = of_variant("ModelLatency", "p100"), of_variant("ModelLatency", "p50")
    assert longest is not None
    assert typical is not None
    assert 1_200_000 <= longest < 10_000_000
    assert typical < 1_000_000
    overhead = of_variant("OverheadLatency", "Maximum")
    assert overhead is not None
    assert overhead < 1_000_000
    statistics = world.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "primary"}],
        StartTime=datetime.now(UTC) - timedelta(hours=1),
        EndTime=datetime.now(UTC) + timedelta(hours=1),
        Period=86_400,
        Statistics=["SampleCount"],
    )["Datapoints"]
    assert [(point["SampleCount"], point["Unit"]) for point in statistics] == [(4.0, "Microseconds")]


def _policy(world: World, name: str, *, most: int) -> list[dict[str, str]]:
    """Let scaling keep a variant at ten requests a minute and instance; return the policy's alarms."""
    scaling = world.client("application-autoscaling")
    where = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/primary",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**where, MinCapacity=1, MaxCapacity=most)
    tracked = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    made = scaling.put_scaling_policy(
        **where,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 10.0,
            "PredefinedMetricSpecification": tracked,
            "ScaleOutCooldown": 0,
            "ScaleInCooldown": 0,
        },
    )
    assert scaling.describe_scaling_policies(**where)["ScalingPolicies"][0]["Alarms"] == made["Alarms"]
    return list(made["Alarms"])


def _deregister(world: World, name: str) -> None:
    world.client("application-autoscaling").deregister_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{name}/variant/primary",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
    )


def _minutes(world: World, name: str, *values: float) -> None:
    """Write the requests per instance of the last minutes, newest first: nobody wants to wait for them."""
    dimensions = [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "primary"}]
    now = datetime.now(UTC)
    data = [
        {
            "MetricName": "InvocationsPerInstance",
            "Dimensions": dimensions,
            "Timestamp": now - timedelta(seconds=20 + 60 * minute),
            "Value": value,
        }
        for minute, value in enumerate(values)
    ]
    world.client("cloudwatch").put_metric_data(Namespace="AWS/SageMaker", MetricData=data)


def test_target_tracking_follows_the_requests_of_an_endpoint(world: World, name: str) -> None:
    def count() -> int:
        (variant,) = world.client("sagemaker").describe_endpoint(EndpointName=name)["ProductionVariants"]
        return int(variant["DesiredInstanceCount"])

    invoke = _serve(world, name)
    for _ in range(15):
        invoke(b"good")
    assert count() == 2
    _minutes(world, name, 0, 15, 15)
    high, _low = _policy(world, name, most=3)
    assert count() == 2  # one minute is missing yet: 7.5 requests per instance of 15
    for _ in range(15):
        invoke(b"good")
    wait(lambda: count() == 3)
    alarms = world.client("cloudwatch").describe_alarms(AlarmNames=[high["AlarmName"]])["MetricAlarms"]
    assert [alarm["StateValue"] for alarm in alarms] == ["ALARM"]
    _deregister(world, name)
    assert world.client("cloudwatch").describe_alarms(AlarmNames=[high["AlarmName"]])["MetricAlarms"] == []


def test_target_tracking_removes_instances_after_fifteen_quiet_minutes(world: World, name: str) -> None:
    _serve(world, name)
    _minutes(world, name, *[1.0] * 16)
    _policy(world, name, most=4)

    def count() -> int:
        (variant,) = world.client("sagemaker").describe_endpoint(EndpointName=name)["ProductionVariants"]
        return int(variant["CurrentInstanceCount"])

    wait(lambda: count() == 1)
    _deregister(world, name)


def test_lines_in_the_embedded_metric_format_become_metrics(embedded_aws: EmbeddedAws, name: str) -> None:
    role = embedded_aws.create_role(name, [], trusted=LAMBDA)
    line = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": name,
                    "Dimensions": [["Environment"]],
                    "Metrics": [{"Name": "Rows", "Unit": "Count"}, {"Name": "Seconds"}],
                }
            ],
        },
        "Environment": "dev",
        "Model": "late_arrival",
        "Rows": 7,
        "Seconds": [1.5, 2.5],
    }
    source = f"def handle(event, context):\n    print({json.dumps(line)!r})\n    print('{{\"_aws\": 1}}')\n"
    create_function(embedded_aws, name, source, role=role)
    embedded_aws.client("lambda").invoke(FunctionName=name)
    wait(lambda: _sum(embedded_aws, name, "Rows", Environment="dev") == 7.0)
    assert _sum(embedded_aws, name, "Seconds", "Average", Environment="dev") == 2.0
    assert _sum(embedded_aws, name, "Rows", Environment="dev", Model="late_arrival") is None


def test_findings_of_our_functions_become_metrics(
    embedded_aws: EmbeddedAws, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = find("arrivals-dev-us-east-1")
    write_metrics(environment, {Metric.DRIFT: 2, Metric.BROKEN_INPUT: 0}, model="late_arrival")
    role = embedded_aws.create_role(name, [], trusted=LAMBDA)
    source = f"def handle(event, context):\n    print({capsys.readouterr().out!r})\n"
    create_function(embedded_aws, name, source, role=role)
    embedded_aws.client("lambda").invoke(FunctionName=name)
    wait(lambda: _sum(embedded_aws, NAMESPACE, "Drift", Environment=environment.id) == 2.0)


def _dead_letters(aws: EmbeddedAws, name: str, rule: str, *, allowed: bool = True) -> tuple[str, str]:
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


def _undeliverable(aws: EmbeddedAws, name: str, *, allowed: bool = True) -> str:
    """Send an event whose rule has a function that does not allow it; return the URL of its dead-letter queue."""
    role = aws.create_role(name, [], trusted=LAMBDA)
    function = create_function(aws, name, role=role)
    events = aws.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    url, queue = _dead_letters(aws, f"{name}-dead", rule, allowed=allowed)
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": function, "DeadLetterConfig": {"Arn": queue}}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": '{"a": 1}'}])
    return url


def test_undeliverable_event_counts_and_goes_to_the_dead_letter_queue(embedded_aws: EmbeddedAws, name: str) -> None:
    url = _undeliverable(embedded_aws, name)
    (message,) = embedded_aws.client("sqs").receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    assert json.loads(message["Body"])["detail"] == {"a": 1}
    about = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert about["ERROR_CODE"] == "NO_PERMISSIONS"
    assert about["TARGET_ARN"].endswith(f":function:{name}")
    assert about["RULE_ARN"].endswith(f":rule/{name}")
    for metric in ("Invocations", "FailedInvocations", "InvocationsSentToDlq"):
        assert _sum(embedded_aws, "AWS/Events", metric, RuleName=name) == 1.0


def test_target_that_does_not_exist_is_a_failed_invocation(embedded_aws: EmbeddedAws, name: str) -> None:
    events = embedded_aws.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    url, queue = _dead_letters(embedded_aws, f"{name}-dead", rule)
    gone = f"arn:aws:sqs:{REGION}:111111111111:gone-{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": gone, "DeadLetterConfig": {"Arn": queue}}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])
    (message,) = embedded_aws.client("sqs").receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
    assert _sum(embedded_aws, "AWS/Events", "FailedInvocations", RuleName=name) == 1.0


def test_dead_letter_queue_must_allow_the_rule(embedded_aws: EmbeddedAws, name: str) -> None:
    url = _undeliverable(embedded_aws, name, allowed=False)
    wait(lambda: _sum(embedded_aws, "AWS/Events", "InvocationsFailedToBeSentToDlq", RuleName=name) == 1.0)
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
        assert _sum(embedded_aws, "AWS/Scheduler", metric, ScheduleGroup=name)


def _alarms() -> dict[str, dict[str, Any]]:
    """Return the properties of each alarm in the golden templates, by template and logical id."""
    return {
        f"{path.stem}:{logical_id}": resource["Properties"]
        for path in sorted(GOLDEN.glob("*.json"))
        for logical_id, resource in json.loads(path.read_text()).get("Resources", {}).items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def _refuse_event(world: World, name: str) -> dict[str, str]:
    _undeliverable(world.aws, name)
    return {"QueueName": f"{name}-dead"}


def _fail_container(world: World, name: str) -> dict[str, str]:
    invoke = _serve(world, name)
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
