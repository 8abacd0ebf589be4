"""Landing on the embedded AWS, from the synthesized templates: events, queue, function, schedule and permissions."""

import copy
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mooring.cli.fleet import find
from pipelines.datasets.commits.commits import Dataset
from pipelines.interface.names import Environment
from tests.support.embedded_aws import EmbeddedAws
from tests.support.functions import package
from tests.support.synth import Template, example_templates
from tests.support.world import settings

FILES = 300
WINDOW_S = 3
PARTS = ("FunctionsLandFiles", "Landing", "Scheduler")
"""Prefixes of the resources of the Operations stack that land files."""


class World:
    """A deployed environment."""

    def __init__(self, aws: EmbeddedAws, environment: Environment) -> None:
        self.environment = environment
        self._aws = aws

    def client(self, service: str) -> Any:
        return self._aws.client(service, self.environment.account, self.environment.region)

    @property
    def dataset(self) -> Dataset:
        return Dataset.in_environment(
            self.environment, "flights", s3=self.client("s3"), dynamodb=self.client("dynamodb")
        )

    def drop(self, names: list[str], content: bytes = b"a,b\n1,2\n") -> None:
        s3, bucket = self.client("s3"), self.environment.bucket("data")

        def put(name: str) -> None:
            s3.put_object(Bucket=bucket, Key=f"landing/flights/{name}", Body=content + f"0,{name}\n".encode())

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, names))

    def left(self) -> list[str]:
        answer = self.client("s3").list_object_versions(Bucket=self.environment.bucket("data"), Prefix="landing/")
        return [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in answer.get(kind, [])]

    def wait_until_landed(self, within_s: float) -> None:
        end = time.monotonic() + within_s
        while left := self.left():
            assert time.monotonic() < end, f"still there: {len(left)}, e.g. {left[0]}"
            time.sleep(0.5)


def foundation(template: Template) -> Template:
    return {"Resources": template["Resources"]}


def operations(template: Template, code: dict[str, str]) -> Template:
    """Return the part of the stack that lands files, with a shorter window; ``code`` replaces the CDK's assets."""
    found = {name: part for name, part in template["Resources"].items() if name.startswith(PARTS)}
    # The templates are synthesized once for all tests of a process.
    resources = copy.deepcopy(found)
    for part in resources.values():
        if part["Type"] == "AWS::Lambda::Function":
            part["Properties"]["Code"] = code
            del part["Properties"]["Layers"]
        if part["Type"] == "AWS::Lambda::EventSourceMapping":
            part["Properties"]["MaximumBatchingWindowInSeconds"] = WINDOW_S
    parameters = {name: part for name, part in template["Parameters"].items() if "keyarn" in name}
    return {"Parameters": parameters, "Resources": resources}


def deploy(world: World, name: str, template: Template, *, assets: str = "assets") -> None:
    formation, s3 = world.client("cloudformation"), world.client("s3")
    s3.put_object(Bucket=assets, Key=name, Body=json.dumps(template).encode())
    url = f"{s3.meta.endpoint_url}/{assets}/{name}"
    formation.create_stack(StackName=name, TemplateURL=url, Capabilities=["CAPABILITY_NAMED_IAM"])
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 90})


@pytest.fixture(scope="module")
def world(embedded_aws: EmbeddedAws) -> Iterator[World]:
    """Deploy Foundation, the part of Operations that lands files, and settings of a model that retrains on commits."""
    found = World(embedded_aws, find("arrivals-prod-us-east-1"))
    names, s3 = found.environment, found.client("s3")
    embedded_aws.create_boundary(names)
    s3.create_bucket(Bucket="assets")
    s3.put_object(Bucket="assets", Key="code.zip", Body=package("land_files"))
    templates = example_templates()
    deploy(found, names.stack("foundation"), foundation(templates[names.stack("foundation")]))
    code = {"S3Bucket": "assets", "S3Key": "code.zip"}
    deploy(found, names.stack("operations"), operations(templates[names.stack("operations")], code))
    parameter = names.model("late-arrival").settings_parameter
    found.client("ssm").put_parameter(Name=parameter, Value=settings().to_json(), Type="String")
    yield found
    for stack in ("operations", "foundation"):
        found.client("cloudformation").delete_stack(StackName=names.stack(stack))


@pytest.fixture(scope="module")
def requests(world: World) -> str:
    """Return the URL of a queue that receives every request for a retraining."""
    sqs, events = world.client("sqs"), world.client("events")
    url = sqs.create_queue(QueueName="requests")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    pattern = json.dumps({"detail-type": ["Retraining Requested"]})
    events.put_rule(Name="requests", EventBusName=world.environment.bus, EventPattern=pattern)
    events.put_targets(Rule="requests", EventBusName=world.environment.bus, Targets=[{"Id": "q", "Arn": arn}])
    return str(url)


def test_many_files_land_in_few_commits(world: World, requests: str) -> None:
    names = [f"2026/{number:03}.csv" for number in range(FILES)]
    world.drop(names)
    world.drop(["broken.csv"], b"a,b,c\n")
    world.wait_until_landed(60)
    commits = list(world.dataset.log())
    assert [file.path for file in commits[0].files] == names
    assert len(commits) <= 3
    data = world.dataset.bucket
    (reason,) = (key for key in data.keys("quarantine/flights/") if key.endswith("/reason.json"))
    assert "row 1 has 2 fields, the header has 3" in data.read_json(reason)["reason"]
    assert data.exists(reason.replace("reason.json", "content"))
    messages = world.client("sqs").receive_message(QueueUrl=requests, MaxNumberOfMessages=10, WaitTimeSeconds=5)
    triggers = [json.loads(message["Body"])["detail"]["trigger"]["id"] for message in messages["Messages"]]
    assert sorted(triggers) == sorted(commit.id for commit in commits)
    assert world.dataset.verify() == []


def test_file_whose_event_was_lost_lands_by_the_schedule(world: World) -> None:
    """Fault 23. The tests' server runs schedules 60 times as fast: 15 minutes are 15 seconds."""
    events = world.client("events")
    operations = world.client("cloudformation").describe_stack_resources(
        StackName=world.environment.stack("operations")
    )
    (rule,) = (
        resource["PhysicalResourceId"]
        for resource in operations["StackResources"]
        if resource["ResourceType"] == "AWS::Events::Rule" and "FileLanded" in resource["LogicalResourceId"]
    )
    events.disable_rule(Name=rule)
    try:
        world.drop(["lost.csv"])
        world.wait_until_landed(40)
    finally:
        events.enable_rule(Name=rule)
    assert "lost.csv" in {file.path for file in world.dataset.head().files}
