"""Proofs of messages: a log under the key, an alarm that reaches the topic, an event that reaches the dead letters."""

import json
import time
from typing import Any

from botocore.exceptions import ClientError

from mooring.preflight.prove.proof import NotProvenError, Proof, Site, Told
from mooring.preflight.target import code_of, found

SOURCE = "mooring.preflight"
DELIVERED_WITHIN_S = 120


def _log_group(site: Site) -> str:
    return f"/mooring/{site.name}"


def write_log(site: Site) -> Told:
    """Write a line into a log group under the environment's key, and read it."""
    logs, group = site.client("logs"), _log_group(site)
    logs.create_log_group(logGroupName=group, kmsKeyId=site.key_arn)
    logs.create_log_stream(logGroupName=group, logStreamName="preflight")
    event = {"timestamp": int(time.time() * 1000), "message": SOURCE}
    logs.put_log_events(logGroupName=group, logStreamName="preflight", logEvents=[event])

    def read() -> bool | None:
        events = logs.get_log_events(logGroupName=group, logStreamName="preflight", startFromHead=True)["events"]
        return True if any(item["message"] == SOURCE for item in events) else None

    site.wait(read, what=f"the line in {group}", within_s=60)
    return Told(what="CloudWatch Logs writes and reads a log group under the environment's key")


def remove_log(site: Site) -> list[str]:
    group = _log_group(site)
    deleted = found(site.client("logs").delete_log_group, logGroupName=group)
    return [] if deleted is None else [f"log group {group}"]


def raise_alarm(site: Site) -> Told:
    """Set an alarm of our own to ALARM, and receive its message through a queue that subscribes to the topic."""
    names, arn = site.names, site.names.arn("sqs", _alarm_queue(site))
    url = _make_queue(
        site,
        _alarm_queue(site),
        {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": names.topic_arn}},
        },
    )
    site.client("sns").subscribe(TopicArn=names.topic_arn, Protocol="sqs", Endpoint=arn)
    site.client("cloudwatch").put_metric_alarm(
        AlarmName=site.name,
        AlarmDescription="A test of mooring preflight: nothing is wrong",
        AlarmActions=[names.topic_arn],
        Namespace="Mooring/Preflight",
        MetricName="None",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="ignore",
    )
    begun = time.monotonic()
    site.client("cloudwatch").set_alarm_state(AlarmName=site.name, StateValue="ALARM", StateReason="mooring preflight")
    site.wait(
        lambda: _received(site, url, lambda message: site.name in message["Body"]),
        what=f"the message of the alarm through {names.topic}; does the key admit cloudwatch.amazonaws.com?",
        within_s=DELIVERED_WITHIN_S,
    )
    return Told(what=f"an alarm reached the encrypted topic {names.topic} in {time.monotonic() - begun:.0f} s")


def remove_alarm(site: Site) -> list[str]:
    removed, cloudwatch, sns = [], site.client("cloudwatch"), site.client("sns")
    if cloudwatch.describe_alarms(AlarmNames=[site.name])["MetricAlarms"]:
        cloudwatch.delete_alarms(AlarmNames=[site.name])
        removed.append(f"alarm {site.name}")
    topic, queue = site.names.topic_arn, _alarm_queue(site)
    for item in site.target.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic):
        if item["Endpoint"] == site.names.arn("sqs", queue):
            sns.unsubscribe(SubscriptionArn=item["SubscriptionArn"])
            removed.append(f"subscription of {queue}")
    return removed + _remove_queue(site, queue)


def lose_event(site: Site) -> Told:
    """Send an event to a queue that does not admit EventBridge, and receive it from the dead-letter queue."""
    names, events, sqs = site.names, site.client("events"), site.client("sqs")
    _make_queue(site, _event_queue(site))
    rule = events.put_rule(Name=site.name, EventPattern=json.dumps({"source": [SOURCE]}))["RuleArn"]
    dead_letters = names.arn("sqs", names.dead_letter_queue)
    target = {"Id": "nobody", "Arn": names.arn("sqs", _event_queue(site)), "DeadLetterConfig": {"Arn": dead_letters}}
    refused = events.put_targets(Rule=site.name, Targets=[target])["FailedEntries"]
    if refused:
        raise NotProvenError(f"EventBridge refused the target: {refused}", remedy="read the refusal")
    url = sqs.get_queue_url(QueueName=names.dead_letter_queue)["QueueUrl"]
    begun, sent = time.monotonic(), [-DELIVERED_WITHIN_S * 1.0]

    def read() -> bool | None:
        # A rule matches some seconds after it was made, so the event is sent more than once.
        if time.monotonic() - sent[0] > 15:
            sent[0] = time.monotonic()
            events.put_events(Entries=[{"Source": SOURCE, "DetailType": "Preflight", "Detail": "{}"}])
        return _received(site, url, lambda message: _rule_of(message) == rule)

    site.wait(
        read,
        what=f"the event in {names.dead_letter_queue}; do its policy and key admit events.amazonaws.com?",
        within_s=DELIVERED_WITHIN_S,
    )
    return Told(
        what=f"an event that could not be delivered reached the encrypted queue {names.dead_letter_queue} "
        f"in {time.monotonic() - begun:.0f} s"
    )


def remove_rule(site: Site) -> list[str]:
    events, removed = site.client("events"), []
    if found(events.describe_rule, Name=site.name) is not None:
        targets = events.list_targets_by_rule(Rule=site.name)["Targets"]
        if targets:
            events.remove_targets(Rule=site.name, Ids=[target["Id"] for target in targets])
        events.delete_rule(Name=site.name)
        removed.append(f"rule {site.name}")
        url = site.client("sqs").get_queue_url(QueueName=site.names.dead_letter_queue)["QueueUrl"]
        rule = site.names.arn("events", f"rule/{site.name}")
        while _received(site, url, lambda message: _rule_of(message) == rule):
            removed.append("message in the dead-letter queue")
    return removed + _remove_queue(site, _event_queue(site))


def _rule_of(message: dict[str, Any]) -> str:
    return str(message.get("MessageAttributes", {}).get("RULE_ARN", {}).get("StringValue", ""))


def _alarm_queue(site: Site) -> str:
    return f"{site.name}-alarm"


def _event_queue(site: Site) -> str:
    return f"{site.name}-event"


def _make_queue(site: Site, name: str, statement: dict[str, Any] | None = None) -> str:
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})} if statement else {}

    def create() -> str | None:
        try:
            return str(site.client("sqs").create_queue(QueueName=name, Attributes=policy)["QueueUrl"])
        except ClientError as error:
            # SQS keeps the name of a deleted queue for a minute.
            if "QueueDeletedRecently" in code_of(error):
                return None
            raise

    return site.wait(create, what=f"the name {name} of a deleted queue", within_s=90)


def _remove_queue(site: Site, name: str) -> list[str]:
    sqs = site.client("sqs")
    url = found(sqs.get_queue_url, QueueName=name)
    if url is None:
        return []
    sqs.delete_queue(QueueUrl=url["QueueUrl"])
    return [f"queue {name}"]


def _received(site: Site, url: str, is_ours: Any) -> bool | None:
    """Delete our message from a queue and return True, or None; other messages stay visible to their readers."""
    sqs = site.client("sqs")
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=1, MessageAttributeNames=["All"]
    )
    for message in answer.get("Messages", []):
        if is_ours(message):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return True
    return None


PROOFS = (
    Proof(
        name="log-group",
        question="Can a log group use the environment's key?",
        price="nothing",
        run=write_log,
        remove=remove_log,
    ),
    Proof(
        name="alarm",
        question="Does an alarm reach the encrypted topic? The owners get its message as well.",
        price="nothing",
        run=raise_alarm,
        remove=remove_alarm,
    ),
    Proof(
        name="dead-letters",
        question="Does a lost event reach the encrypted dead-letter queue? Its alarm may go off.",
        price="nothing",
        run=lose_event,
        remove=remove_rule,
    ),
)
