"""CloudWatch: the metrics that services publish by themselves, and target tracking by them."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mooring.cli.fleet import find
from pipelines.aws.metrics import write_metrics
from pipelines.interface.metrics import NAMESPACE, Metric
from tests.support.embedded_aws import EmbeddedAws
from tests.support.functions import create_function, finish
from tests.support.observed import LAMBDA, name, serve_failing, sum_metric
from tests.support.sagemaker_world import World, wait, world

__all__ = ["name", "world"]

STATES = {"Service": "states.amazonaws.com"}
FAILING = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
WAITING = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
PASSING = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}


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
    wait(lambda: sum_metric(embedded_aws, "AWS/States", metric, StateMachineArn=machine) == 1.0)
    assert sum_metric(embedded_aws, "AWS/States", "ExecutionsStarted", StateMachineArn=machine) == 1.0
    found = embedded_aws.client("cloudwatch").list_metrics(Namespace="AWS/States")["Metrics"]
    ends = {each["MetricName"] for each in found if each["Dimensions"][0]["Value"] == machine}
    assert ends == {"ExecutionsStarted", metric, "ExecutionTime"}
    took = sum_metric(embedded_aws, "AWS/States", "ExecutionTime", "Maximum", StateMachineArn=machine)
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
    wait(lambda: sum_metric(embedded_aws, "AWS/Lambda", "Invocations", FunctionName=name) == 3.0)
    assert sum_metric(embedded_aws, "AWS/Lambda", "Errors", FunctionName=name) == 1.0
    assert sum_metric(embedded_aws, "AWS/Lambda", "Throttles", FunctionName=name) == 0.0
    duration = sum_metric(embedded_aws, "AWS/Lambda", "Duration", "Average", FunctionName=name)
    assert duration is not None
    assert duration > 0
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        client.invoke(FunctionName=name, Payload=b"{}")
    assert sum_metric(embedded_aws, "AWS/Lambda", "Throttles", FunctionName=name) == 1.0
    assert sum_metric(embedded_aws, "AWS/Lambda", "Invocations", FunctionName=name) == 3.0


def test_messages_of_a_queue_are_counted(embedded_aws: EmbeddedAws, name: str) -> None:
    sqs = embedded_aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def visible(statistic: str) -> float | None:
        return sum_metric(embedded_aws, "AWS/SQS", "ApproximateNumberOfMessagesVisible", statistic, QueueName=name)

    wait(lambda: visible("Maximum") == 0.0)
    sqs.send_message(QueueUrl=url, MessageBody="1")
    sqs.send_message(QueueUrl=url, MessageBody="2")
    wait(lambda: visible("Maximum") == 2.0)
    sqs.receive_message(QueueUrl=url)
    wait(
        lambda: (
            sum_metric(embedded_aws, "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "Maximum", QueueName=name)
            == 1.0
        )
    )


def test_requests_of_an_endpoint_are_counted_and_timed(world: World, name: str) -> None:
    invoke = serve_failing(world, name)
    invoke(b"good")
    invoke(b"slow")
    with pytest.raises(ClientError, match="ModelError"):
        invoke(b"bad")
    with pytest.raises(ClientError, match="ModelError"):
        world.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"\xff", ContentType="image/png")

    def of_variant(metric: str, statistic: str = "Sum") -> float | None:
        return sum_metric(world.aws, "AWS/SageMaker", metric, statistic, EndpointName=name, VariantName="primary")

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

    invoke = serve_failing(world, name)
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
    serve_failing(world, name)
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
    wait(lambda: sum_metric(embedded_aws, name, "Rows", Environment="dev") == 7.0)
    assert sum_metric(embedded_aws, name, "Seconds", "Average", Environment="dev") == 2.0
    assert sum_metric(embedded_aws, name, "Rows", Environment="dev", Model="late_arrival") is None


def test_findings_of_our_functions_become_metrics(
    embedded_aws: EmbeddedAws, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = find("arrivals-dev-us-east-1")
    write_metrics(environment, {Metric.DRIFT: 2, Metric.BROKEN_INPUT: 0}, model="late_arrival")
    role = embedded_aws.create_role(name, [], trusted=LAMBDA)
    source = f"def handle(event, context):\n    print({capsys.readouterr().out!r})\n"
    create_function(embedded_aws, name, source, role=role)
    embedded_aws.client("lambda").invoke(FunctionName=name)
    wait(lambda: sum_metric(embedded_aws, NAMESPACE, "Drift", Environment=environment.id) == 2.0)
