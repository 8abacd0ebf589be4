"""EventBridge across accounts and regions: both sides must allow, and nothing is sent on to a third place."""

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import EmbeddedAws

SENDER, RECEIVER, THIRD = "111111111111", "222222222222", "333333333333"
HERE, ELSEWHERE = "us-east-1", "eu-west-1"
EVENTS = {"Service": "events.amazonaws.com"}


@dataclass(frozen=True, kw_only=True)
class Places:
    """A bus of the same name in each account, whose events of any kind go to a queue of that name."""

    aws: EmbeddedAws
    name: str

    def client(self, service: str, account: str, region: str = HERE, role: str | None = None) -> Any:
        return self.aws.client(service, account, region, role)

    def bus(self, account: str, region: str = HERE) -> str:
        return f"arn:aws:events:{region}:{account}:event-bus/{self.name}"

    def make(self, account: str, region: str = HERE) -> None:
        sqs, events = self.client("sqs", account, region), self.client("events", account, region)
        events.create_event_bus(Name=self.name)
        queue = f"arn:aws:sqs:{region}:{account}:{self.name}"
        statement = {"Effect": "Allow", "Principal": EVENTS, "Action": "sqs:SendMessage", "Resource": queue}
        sqs.create_queue(QueueName=self.name, Attributes={"Policy": json.dumps({"Statement": [statement]})})
        everything = json.dumps({"source": [{"exists": True}]})
        events.put_rule(Name=f"{self.name}-kept", EventBusName=self.name, EventPattern=everything)
        events.put_targets(Rule=f"{self.name}-kept", EventBusName=self.name, Targets=[{"Id": "kept", "Arn": queue}])

    def admit(self, account: str, principal: str, region: str = HERE, condition: dict[str, Any] | None = None) -> None:
        """Let a principal put events on an account's bus, through a stack as ours are."""
        statement = {
            "Sid": "Forwarded",
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "events:PutEvents",
            "Resource": self.bus(account, region),
            **({"Condition": condition} if condition else {}),
        }
        properties = {"EventBusName": self.name, "StatementId": "Forwarded", "Statement": statement}
        template = {"Resources": {"Policy": {"Type": "AWS::Events::EventBusPolicy", "Properties": properties}}}
        cloudformation = self.client("cloudformation", account, region)
        cloudformation.create_stack(StackName=f"{self.name}-policy", TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=f"{self.name}-policy", WaiterConfig={"Delay": 1}
        )

    def role(self, account: str, target: str, *, allowed: bool = True) -> str:
        statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": target}
        name = f"{self.name}-{target.split(':')[4]}-{target.split(':')[3]}"
        return self.aws.create_role(name, [statement] if allowed else [], trusted=EVENTS, account=account)

    def forward(self, account: str, target: str, role: str, region: str = HERE) -> None:
        events = self.client("events", account, region)
        events.put_rule(
            Name=f"{self.name}-sent", EventBusName=self.name, EventPattern=json.dumps({"source": ["drift"]})
        )
        sent = {
            "Id": "sent",
            "Arn": target,
            "RoleArn": role,
            "DeadLetterConfig": {"Arn": self.dead_letters(account, region)},
        }
        events.put_targets(
            Rule=f"{self.name}-sent",
            EventBusName=self.name,
            Targets=[sent],
        )

    def dead_letters(self, account: str, region: str = HERE) -> str:
        queue = f"arn:aws:sqs:{region}:{account}:{self.name}-dead"
        statement = {"Effect": "Allow", "Principal": EVENTS, "Action": "sqs:SendMessage", "Resource": queue}
        self.client("sqs", account, region).create_queue(
            QueueName=f"{self.name}-dead", Attributes={"Policy": json.dumps({"Statement": [statement]})}
        )
        return queue

    def put(self, account: str, region: str = HERE, detail_type: str = "Drift Found") -> None:
        entry = {"Source": "drift", "DetailType": detail_type, "Detail": '{"n": 1}', "EventBusName": self.name}
        answer = self.client("events", account, region).put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0

    def received(self, account: str, region: str = HERE, *, queue: str = "", within_s: float = 5) -> list[Any]:
        """Return the events that reached a queue, as soon as there is one."""
        sqs = self.client("sqs", account, region)
        url = sqs.get_queue_url(QueueName=f"{self.name}{queue}")["QueueUrl"]
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                return [json.loads(message["Body"]) for message in messages]
            time.sleep(0.1)
        return []


@pytest.fixture
def places(embedded_aws: EmbeddedAws) -> Places:
    found = Places(aws=embedded_aws, name=f"b{uuid4().hex[:10]}")
    found.make(SENDER)
    found.make(RECEIVER)
    return found


def root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def test_event_reaches_the_bus_of_another_account_with_its_senders_account(places: Places) -> None:
    target = places.bus(RECEIVER)
    role = places.role(SENDER, target)
    places.admit(RECEIVER, root(SENDER), condition={"ArnEquals": {"aws:PrincipalArn": role}})
    places.forward(SENDER, target, role)
    places.put(SENDER)
    (event,) = places.received(RECEIVER)
    assert (event["account"], event["region"]) == (SENDER, HERE)
    assert (event["source"], event["detail-type"], event["detail"]) == ("drift", "Drift Found", {"n": 1})


def test_event_reaches_the_bus_of_another_region_and_account(places: Places) -> None:
    places.make(RECEIVER, ELSEWHERE)
    target = places.bus(RECEIVER, ELSEWHERE)
    places.admit(RECEIVER, root(SENDER), ELSEWHERE)
    places.forward(SENDER, target, places.role(SENDER, target))
    places.put(SENDER)
    (event,) = places.received(RECEIVER, ELSEWHERE)
    assert (event["account"], event["region"]) == (SENDER, HERE)
    assert places.received(RECEIVER, within_s=0.5) == [], "the bus of the same name in the sender's region"


@pytest.mark.parametrize("lacking", ["bus policy", "role's policy", "principal", "detail type"])
def test_event_that_one_side_does_not_allow_goes_to_the_dead_letters(places: Places, lacking: str) -> None:
    target = places.bus(RECEIVER)
    role = places.role(SENDER, target, allowed=lacking != "role's policy")
    wanted = {"StringEquals": {"events:detail-type": "Quality Lost" if lacking == "detail type" else "Drift Found"}}
    other = {"ArnEquals": {"aws:PrincipalArn": f"{role}-other"}} if lacking == "principal" else {}
    if lacking != "bus policy":
        places.admit(RECEIVER, root(SENDER), condition=wanted | other)
    places.forward(SENDER, target, role)
    places.put(SENDER)
    (dead,) = places.received(SENDER, queue="-dead")
    assert dead["detail"] == {"n": 1}
    assert places.received(RECEIVER, within_s=0.3) == []


def test_event_for_an_absent_bus_goes_to_the_dead_letters(places: Places) -> None:
    target = places.bus(THIRD)
    places.forward(SENDER, target, places.role(SENDER, target))
    places.put(SENDER)
    assert places.received(SENDER, queue="-dead")


def test_event_from_another_account_is_not_sent_on_to_a_third(places: Places) -> None:
    places.make(THIRD)
    for sender, receiver in ((SENDER, RECEIVER), (RECEIVER, THIRD)):
        target = places.bus(receiver)
        places.admit(receiver, root(sender))
        places.forward(sender, target, places.role(sender, target))
    places.put(SENDER)
    assert places.received(RECEIVER)
    assert places.received(THIRD, within_s=0.5) == []
    places.put(RECEIVER)
    assert [event["account"] for event in places.received(THIRD)] == [RECEIVER], "its own events are sent"


def test_caller_puts_events_on_the_bus_of_another_account_if_both_sides_allow_it(places: Places) -> None:
    target = places.bus(RECEIVER)
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": [target, places.bus(SENDER)]}
    role = places.aws.create_role(f"{places.name}-caller", [statement], account=SENDER)
    client = places.client("events", SENDER, role=role)
    entries = [
        {"Source": "drift", "DetailType": "own", "Detail": "{}", "EventBusName": places.name},
        {"Source": "drift", "DetailType": "foreign", "Detail": "{}", "EventBusName": target},
    ]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_events(Entries=entries)
    places.admit(RECEIVER, root(SENDER))
    assert client.put_events(Entries=entries)["FailedEntryCount"] == 0
    assert [event["detail-type"] for event in places.received(RECEIVER)] == ["foreign"]
    assert [event["detail-type"] for event in places.received(SENDER)] == ["own"]
