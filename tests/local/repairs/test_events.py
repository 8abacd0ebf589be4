"""EventBridge and Scheduler: permissions of targets, speed of schedules, condition keys; and ``iam:PassRole``."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.functions import create_function

EVENTS = {"Service": "events.amazonaws.com"}
SCHEDULER = {"Service": "scheduler.amazonaws.com"}


@pytest.fixture
def name() -> str:
    return f"e{uuid4().hex[:10]}"


@pytest.fixture
def queue(embedded_aws: EmbeddedAws, name: str) -> Iterator[Any]:
    """Yield a function that returns the number of messages in the queue to which ``_function`` writes."""
    sqs = embedded_aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield lambda: int(
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"][
            "ApproximateNumberOfMessages"
        ]
    )
    sqs.delete_queue(QueueUrl=url)


def _function(aws: EmbeddedAws, name: str) -> str:
    allowed = {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"], "Resource": "*"}
    role = aws.create_role(f"{name}-function", [allowed], trusted={"Service": "lambda.amazonaws.com"})
    source = f"""
import boto3
def handle(event, context):
    sqs = boto3.client("sqs", region_name="{REGION}")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="{name}")["QueueUrl"], MessageBody="called")
"""
    return create_function(aws, name, source, role=role)


def _reaches(count: Any, within_s: float) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if count():
            return True
        time.sleep(0.1)
    return False


def _emit(aws: EmbeddedAws, name: str) -> None:
    aws.client("events").put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])


def test_function_is_called_only_if_its_policy_allows_eventbridge(
    embedded_aws: EmbeddedAws, name: str, queue: Any
) -> None:
    function = _function(embedded_aws, name)
    events = embedded_aws.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": function}])
    _emit(embedded_aws, name)
    assert not _reaches(queue, 1.5)
    embedded_aws.client("lambda").add_permission(
        FunctionName=name,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    _emit(embedded_aws, name)
    assert _reaches(queue, 10)


def test_machine_is_started_only_if_the_targets_role_allows_it(embedded_aws: EmbeddedAws, name: str) -> None:
    states, events = embedded_aws.client("stepfunctions"), embedded_aws.client("events")
    machine_role = embedded_aws.create_role(f"{name}-machine", [], trusted={"Service": "states.amazonaws.com"})
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=machine_role)["stateMachineArn"]
    rule_role = embedded_aws.create_role(f"{name}-rule", [], trusted=EVENTS)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "m", "Arn": machine, "RoleArn": rule_role}])

    def executions() -> int:
        return len(states.list_executions(stateMachineArn=machine)["executions"])

    _emit(embedded_aws, name)
    assert not _reaches(executions, 1)
    allowed = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}
    embedded_aws.client("iam").put_role_policy(
        RoleName=f"{name}-rule", PolicyName="p", PolicyDocument=json.dumps({"Statement": [allowed]})
    )
    _emit(embedded_aws, name)
    assert _reaches(executions, 5)


def test_end_of_an_execution_is_an_event_on_the_default_bus(embedded_aws: EmbeddedAws, name: str, queue: Any) -> None:
    function = _function(embedded_aws, name)
    states, events = embedded_aws.client("stepfunctions"), embedded_aws.client("events")
    role = embedded_aws.create_role(f"{name}-machine", [], trusted={"Service": "states.amazonaws.com"})
    definition = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 30, "End": True}}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    pattern = {"source": ["aws.states"], "detail": {"status": ["ABORTED"], "stateMachineArn": [machine]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": function}])
    embedded_aws.client("lambda").add_permission(
        FunctionName=name, StatementId="e", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    states.stop_execution(executionArn=execution)
    assert _reaches(queue, 10)


def test_schedule_fires_faster_under_its_role(embedded_aws: EmbeddedAws, name: str, queue: Any) -> None:
    function = _function(embedded_aws, name)
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}
    role = embedded_aws.create_role(f"{name}-schedule", [allowed], trusted=SCHEDULER)
    embedded_aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(1 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": role},
    )
    assert _reaches(queue, 10)  # the tests' server runs schedules 60 times faster
    embedded_aws.client("scheduler").delete_schedule(Name=name)


def test_targets_input_has_the_scheduled_time(embedded_aws: EmbeddedAws, name: str) -> None:
    sqs = embedded_aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    role = embedded_aws.create_role(f"{name}-schedule", [allowed], trusted=SCHEDULER)
    embedded_aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(1 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": '{"due": "<aws.scheduler.scheduled-time>"}'},
    )
    message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]
    embedded_aws.client("scheduler").delete_schedule(Name=name)
    due = datetime.fromisoformat(json.loads(message["Body"])["due"])
    assert abs((datetime.now(UTC) - due).total_seconds()) < 60


def test_schedule_starts_a_state_machine_with_its_input(embedded_aws: EmbeddedAws, name: str) -> None:
    states = embedded_aws.client("stepfunctions")
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    own = embedded_aws.create_role(f"{name}-machine", [], trusted={"Service": "states.amazonaws.com"})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=own)["stateMachineArn"]
    allowed = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}
    for which, statements in (("right", [allowed]), ("wrong", [])):
        role = embedded_aws.create_role(f"{name}-{which}", statements, trusted=SCHEDULER)
        trigger = {"kind": "schedule", "id": "<aws.scheduler.execution-id>", "by": which}
        embedded_aws.client("scheduler").create_schedule(
            Name=f"{name}-{which}",
            ScheduleExpression="rate(1 minutes)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machine, "RoleArn": role, "Input": json.dumps({"model": "m", "trigger": trigger})},
        )

    def executions() -> list[dict[str, Any]]:
        return list(states.list_executions(stateMachineArn=machine)["executions"])

    assert _reaches(lambda: len(executions()) > 1, 10)
    for which in ("right", "wrong"):
        embedded_aws.client("scheduler").delete_schedule(Name=f"{name}-{which}")
    inputs = [
        json.loads(states.describe_execution(executionArn=execution["executionArn"])["input"])["trigger"]
        for execution in executions()
    ]
    assert {trigger["by"] for trigger in inputs} == {"right"}
    assert len({trigger["id"] for trigger in inputs} - {"", "<aws.scheduler.execution-id>"}) == len(inputs)


def test_policy_can_require_source_and_type_of_events(embedded_aws: EmbeddedAws, name: str) -> None:
    """An engineer's policy has this condition: it allows the event that requests a retraining, and no other."""
    bus = embedded_aws.client("events").create_event_bus(Name=name)["EventBusArn"]
    required = {"StringEquals": {"events:source": "mooring", "events:detail-type": "Retraining Requested"}}
    caller = embedded_aws.create_role(
        f"{name}-caller",
        [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus, "Condition": required}],
    )
    client = embedded_aws.client("events", role=caller)
    allowed = {"EventBusName": name, "Source": "mooring", "DetailType": "Retraining Requested", "Detail": "{}"}
    assert client.put_events(Entries=[allowed, allowed])["FailedEntryCount"] == 0
    without_type = {key: value for key, value in allowed.items() if key != "DetailType"}
    for refused in (
        {**allowed, "DetailType": "Drift Found"},
        {**allowed, "Source": "other"},
        {**allowed, "EventBusName": "default"},
        without_type,
    ):
        for entries in ([refused], [allowed, refused], [refused, allowed]):
            with pytest.raises(ClientError, match="not authorized to perform: events:PutEvents"):
                client.put_events(Entries=entries)


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", "")
    return packed.getvalue()


@pytest.mark.parametrize("service", ["lambda", "states", "events", "scheduler"])
def test_role_cannot_be_passed_without_permission(embedded_aws: EmbeddedAws, name: str, service: str) -> None:
    passed = embedded_aws.create_role(f"{name}-passed", [], trusted={"Service": f"{service}.amazonaws.com"})
    caller = embedded_aws.create_role(
        f"{name}-caller", [{"Effect": "Allow", "Action": f"{service}:*", "Resource": "*"}]
    )

    def client(name: str) -> Any:
        return embedded_aws.client(name, role=caller)

    with pytest.raises(ClientError, match="iam:PassRole") as refused:
        _pass_role(service, passed, name, client)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def _pass_role(service: str, role: str, name: str, client: Callable[[str], Any]) -> None:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
    if service == "lambda":
        client("lambda").create_function(
            FunctionName=name, Runtime="python3.11", Handler="main.h", Role=role, Code={"ZipFile": _zip()}
        )
    elif service == "states":
        definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
        client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
    elif service == "events":
        client("events").put_rule(Name=name, ScheduleExpression="rate(1 day)")
        client("events").put_targets(Rule=name, Targets=[{"Id": "t", "Arn": machine, "RoleArn": role}])
    else:
        client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machine, "RoleArn": role},
        )


DEAD = {"Effect": "Allow", "Principal": EVENTS, "Action": "sqs:SendMessage", "Resource": "*"}


def _dead_letters(aws: EmbeddedAws, name: str, statements: list[Any], **attributes: str) -> Callable[[], list[Any]]:
    """Send an event to a queue that refuses it; return a function that receives what the dead-letter queue got."""
    sqs, events = aws.client("sqs"), aws.client("events")
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})} if statements else {}
    url = sqs.create_queue(QueueName=f"{name}-dead", Attributes={**policy, **attributes})["QueueUrl"]
    sqs.create_queue(QueueName=f"{name}-target")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    target = {"Id": "t", "Arn": f"{arn}-target", "DeadLetterConfig": {"Arn": f"{arn}-dead"}}
    events.put_targets(Rule=name, Targets=[target])
    _emit(aws, name)

    def received() -> list[Any]:
        found = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], VisibilityTimeout=0)
        return [
            (json.loads(message["Body"])["source"], message["MessageAttributes"]["RULE_ARN"]["StringValue"] == rule)
            for message in found.get("Messages", [])
        ]

    return received


def _key(aws: EmbeddedAws, *services: str) -> str:
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    use = [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "kms:GenerateDataKey*", "Resource": "*"}
        for service in services
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [root, *use]})
    return str(aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def test_refused_event_goes_to_the_dead_letter_queue(embedded_aws: EmbeddedAws, name: str) -> None:
    received = _dead_letters(embedded_aws, name, [DEAD])
    assert _reaches(received, 3)
    assert received() == [(name, True)]


def test_dead_letter_queue_whose_policy_names_nobody_gets_nothing(embedded_aws: EmbeddedAws, name: str) -> None:
    assert not _reaches(_dead_letters(embedded_aws, name, []), 1.5)


def test_encrypted_dead_letter_queue_needs_the_keys_policy(embedded_aws: EmbeddedAws, name: str) -> None:
    closed = _dead_letters(embedded_aws, name, [DEAD], KmsMasterKeyId=_key(embedded_aws))
    assert not _reaches(closed, 1.5)
    key = _key(embedded_aws, "events.amazonaws.com")
    assert _reaches(_dead_letters(embedded_aws, f"{name}-open", [DEAD], KmsMasterKeyId=key), 3)
