"""Taking an environment down: the order of its stacks, what stays with its price, and what must end first."""

import boto3
import pytest

from mooring.environments.takedown import TakedownPlan, plan_takedown, take_down
from mooring.errors import MooringError
from pipelines.aws.clients import Services
from tests.functional.test_release import register
from tests.support.stacks import FakeCloudFormation
from tests.support.world import ENVIRONMENT, MODEL, World, serve

EMPTY: dict[str, object] = {"Resources": {}}
OTHER = ENVIRONMENT.model("air-time")


class States:
    """Fake of Step Functions with one running execution, or none."""

    def __init__(self, running: str = "") -> None:
        self.running = running

    def list_executions(self, stateMachineArn: str, statusFilter: str) -> dict[str, object]:  # noqa: N803
        assert statusFilter == "RUNNING"
        found = self.running and stateMachineArn.endswith("-release")
        return {"executions": [{"executionArn": self.running}] if found else []}

    def can_paginate(self, operation: str) -> bool:
        return bool(operation == "never")

    def list_state_machines(self) -> dict[str, object]:
        return {"stateMachines": []}


@pytest.fixture
def cloud() -> FakeCloudFormation:
    found = FakeCloudFormation()
    for kind in ("foundation", "operations"):
        found.add(ENVIRONMENT.stack(kind), EMPTY, ENVIRONMENT, protected=kind == "foundation")
    for model in (MODEL, OTHER):
        found.add(model.stack("serving"), EMPTY, ENVIRONMENT, model=model)
    found.add(MODEL.stack("registry"), EMPTY, ENVIRONMENT)
    return found


def services_of(world: World, cloud: FakeCloudFormation, states: States | None = None) -> Services:
    events = boto3.client("events", region_name=ENVIRONMENT.region)
    fakes = {"cloudformation": cloud, "stepfunctions": states or States(), "events": events}
    return Services(ENVIRONMENT, lambda service: fakes.get(service) or world.client(service))


def planned(world: World, cloud: FakeCloudFormation) -> TakedownPlan:
    return plan_takedown(services_of(world, cloud))


def test_stacks_go_before_what_they_need(world: World, cloud: FakeCloudFormation) -> None:
    take_down(services_of(world, cloud), planned(world, cloud))
    deleted = [name for operation, name in cloud.calls if operation == "delete"]
    assert set(deleted[:2]) == {MODEL.stack("serving"), OTHER.stack("serving")}
    assert deleted[2:] == [MODEL.stack("registry"), ENVIRONMENT.stack("operations"), ENVIRONMENT.stack("foundation")]
    assert cloud.left() == []


def test_endpoint_goes_and_what_it_served_from_stays_with_its_release_state(
    world: World, cloud: FakeCloudFormation
) -> None:
    serve(world, register(world, 1), "1")
    plan = planned(world, cloud)
    assert ("endpoint", MODEL.endpoint) in [(found.kind, found.name) for found in plan.serving]
    take_down(services_of(world, cloud), plan)
    assert world.client("sagemaker").list_endpoints()["Endpoints"] == []
    kept = {kept.name for kept in planned(world, cloud).kept}
    assert {MODEL.package_group, MODEL.release_parameter, ENVIRONMENT.ledger_table} <= kept


def test_sizes_are_priced_by_storage_class_and_noncurrent_versions_count(
    world: World, cloud: FakeCloudFormation
) -> None:
    s3, name = world.client("s3"), ENVIRONMENT.bucket("data")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket=name, Key="a", Body=b"x" * 1024)
    s3.put_object(Bucket=name, Key="b", Body=b"x" * 1024, StorageClass="GLACIER_IR")
    (bucket,) = (kept for kept in planned(world, cloud).kept if kept.name == name)
    assert bucket.size_bytes == 3 * 1024
    assert bucket.monthly_usd == pytest.approx((2 * 0.023 + 0.004) * 1024 / 1024**3)


def test_what_is_left_behind_is_found_and_what_stays_is_not(world: World, cloud: FakeCloudFormation) -> None:
    world.client("sqs").create_queue(QueueName=ENVIRONMENT.dead_letter_queue)
    world.client("sqs").create_queue(QueueName="another-queue")
    left = take_down(services_of(world, cloud), planned(world, cloud))
    found = [(one.kind, one.name.rpartition("/")[2]) for one in left if one.kind == "queue"]
    assert found == [("queue", ENVIRONMENT.dead_letter_queue)]


def test_running_flow_refuses(world: World, cloud: FakeCloudFormation) -> None:
    running = ENVIRONMENT.arn("states", f"execution:{ENVIRONMENT.state_machine('release')}:7")
    with pytest.raises(MooringError, match=running):
        plan_takedown(services_of(world, cloud, States(running)))
    assert cloud.calls == []
