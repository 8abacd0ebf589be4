"""Findings of later stages start the retraining in the environment that trains: our templates on the embedded AWS."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from botocore.exceptions import ClientError

from infra.fleet import parse
from infra.parts import parts_of
from infra.synthesis import synthesize
from pipelines.interface.events import SOURCE, DriftFound, Event, QualityLost
from pipelines.interface.names import Environment
from tests.support.embedded_aws import EmbeddedAws
from tests.support.synth import FLEET, Template

# A team of its own: tests of other files deploy the example's environments to the same server.
TEAM = "forwarding"
FLEET_OF_TEAM = parse(yaml.safe_load(FLEET.read_text().replace("name: arrivals", f"name: {TEAM}")))
DEV, STAGING = (FLEET_OF_TEAM.environment(f"{TEAM}-{stage}-us-east-1") for stage in ("dev", "staging"))
DRIFT = DriftFound(model="late-arrival", training_stage="dev", version=1, check_id="c1", worst=("temp",))
LOSS = QualityLost(
    model="late-arrival", training_stage="dev", version=1, window="w", metric="auc", value=0.6, evaluated=0.8, rows=500
)


def kept(template: Template, *prefixes: str) -> str:
    """Return a template of the resources whose logical ids begin so, and which refer to no others."""
    found = {name: each for name, each in template["Resources"].items() if name.startswith(prefixes)}
    assert found
    return json.dumps({"Resources": found})


def deploy(aws: EmbeddedAws, environment: Environment, name: str, template: str) -> None:
    client = aws.client("cloudformation", environment.account, environment.region)
    client.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@pytest.fixture(scope="module")
def buses(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """Deploy both buses, the rules that forward, and the rules that start retrainings with a queue as their target."""
    for environment in (DEV, STAGING):
        names, folder = environment.names, tmp_path_factory.mktemp("synthesized")
        synthesize(next(iter(parts_of(environment))), folder)
        foundation, operations = (
            json.loads((Path(folder) / f"{names.stack(kind)}.template.json").read_text())
            for kind in ("foundation", "operations")
        )
        embedded_aws.create_boundary(names, environment.trainers())
        deploy(embedded_aws, names, f"{names.id}-buses", kept(foundation, "EventsBus"))
        if environment.trainers():
            deploy(embedded_aws, names, f"{names.id}-forwarding", kept(operations, "Forwarding"))
        patterns = {
            name: rule["Properties"]["EventPattern"]
            for name, rule in operations["Resources"].items()
            if name.startswith(("TriggersDriftFound", "TriggersQualityLost"))
        }
        assert len(patterns) == 2
        listen(embedded_aws, names, patterns)
    yield embedded_aws
    for environment in (DEV, STAGING):
        names = environment.names
        embedded_aws.client("sqs", names.account, names.region).delete_queue(QueueUrl=queue_url(embedded_aws, names))


def listen(aws: EmbeddedAws, names: Environment, patterns: dict[str, Any]) -> None:
    events = aws.client("events", names.account, names.region)
    queue = names.arn("sqs", names.dead_letter_queue)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    aws.client("sqs", names.account, names.region).create_queue(
        QueueName=names.dead_letter_queue, Attributes={"Policy": json.dumps({"Statement": [statement]})}
    )
    for name, pattern in patterns.items():
        events.put_rule(Name=name, EventBusName=names.bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, EventBusName=names.bus, Targets=[{"Id": "queue", "Arn": queue}])


def queue_url(aws: EmbeddedAws, names: Environment) -> str:
    sqs = aws.client("sqs", names.account, names.region)
    return str(sqs.get_queue_url(QueueName=names.dead_letter_queue)["QueueUrl"])


def publish(aws: EmbeddedAws, names: Environment, event: Event, *, detail_type: str = "", **changes: object) -> str:
    """Put an event on an environment's bus; return a value of its detail by which it is found again."""
    mark = uuid4().hex
    detail = {**asdict(event), "mark": mark, **changes}
    entry = {
        "Source": SOURCE,
        "DetailType": detail_type or event.DETAIL_TYPE,
        "Detail": json.dumps(detail),
        "EventBusName": names.bus,
    }
    answer = aws.client("events", names.account, names.region).put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    return mark


def started(aws: EmbeddedAws, names: Environment, mark: str, *, within_s: float = 5) -> dict[str, Any] | None:
    """Return the event with this mark that a retraining would start from in an environment."""
    sqs, url, end = aws.client("sqs", names.account, names.region), queue_url(aws, names), time.monotonic() + within_s
    while time.monotonic() < end:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found: dict[str, Any] = json.loads(message["Body"])
            if found["detail"].get("mark") == mark:
                return found
        time.sleep(0.1)
    return None


@pytest.mark.parametrize("event", [DRIFT, LOSS], ids=["drift", "quality"])
def test_finding_of_a_later_stage_starts_the_retraining_where_the_model_is_trained(
    buses: EmbeddedAws, event: Event
) -> None:
    mark = publish(buses, STAGING.names, event)
    found = started(buses, DEV.names, mark)
    assert found is not None
    assert found["account"] == STAGING.names.account
    assert started(buses, STAGING.names, mark, within_s=0.3) is None, "no run that the lease would only refuse"


def test_finding_about_a_model_that_its_own_stage_trains_stays_there(buses: EmbeddedAws) -> None:
    for stage in ("staging", ""):
        mark = publish(buses, STAGING.names, DRIFT, training_stage=stage)
        assert started(buses, STAGING.names, mark) is not None
        assert started(buses, DEV.names, mark, within_s=0.3) is None


def test_nothing_but_findings_crosses(buses: EmbeddedAws) -> None:
    mark = publish(buses, STAGING.names, DRIFT, detail_type="Retraining Requested")
    assert started(buses, DEV.names, mark, within_s=0.5) is None


def test_only_the_forwarding_role_may_put_findings_on_the_bus_of_another_account(buses: EmbeddedAws) -> None:
    bus = DEV.names.arn("events", f"event-bus/{DEV.names.bus}")
    entry = {"Source": SOURCE, "DetailType": "Drift Found", "Detail": "{}", "EventBusName": bus}
    role = buses.create_role(
        f"{STAGING.names.id}-other-{uuid4().hex[:6]}",
        [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}],
        account=STAGING.names.account,
    )
    client = buses.client("events", STAGING.names.account, STAGING.names.region, role=role)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_events(Entries=[entry])
