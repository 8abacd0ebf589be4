"""Retiring a model: what is deleted and what stays, with the model in the fleet or not, and from any point again."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mooring.environments.registry_parts import parts_of, without
from mooring.environments.retirement import RetirementPlan, plan_retirement, retire
from mooring.errors import MooringError
from pipelines.aws.clients import Services
from pipelines.interface import keys
from pipelines.interface.records import Champion, Lease, Leftovers, Release, ReleaseLock, ReleaseOutcome
from tests.functional.test_release import register
from tests.support.crashing import Client, DiedError, Dying
from tests.support.stacks import FakeCloudFormation
from tests.support.world import ENVIRONMENT, MODEL, World, serve

OTHER = ENVIRONMENT.model("air-time")
SERVING, REGISTRY = MODEL.stack("serving"), MODEL.stack("registry")
WRITES = (
    "delete_stack",
    "update_stack",
    "delete_endpoint",
    "delete_endpoint_config",
    "delete_model",
    "delete_parameter",
    "delete_item",
    "put_item",
    "update_item",
)


def registry(*models: str) -> dict[str, Any]:
    """Return the template of a Registry stack."""
    resources: dict[str, Any] = {"States": {"Type": "Custom::ReleaseStates", "Properties": {"Models": list(models)}}}
    for name in models:
        model = ENVIRONMENT.model(name)
        logical = name.title().replace("-", "")
        resources |= {
            f"{logical}Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": model.package_group},
                "DeletionPolicy": "RetainExceptOnCreate",
            },
            f"{logical}Settings": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": model.settings_parameter}},
            f"{logical}Drift": {"Type": "AWS::Scheduler::Schedule", "Properties": {"Name": model.drift_schedule}},
        }
    return {"Resources": resources}


@pytest.fixture
def cloud(world: World) -> FakeCloudFormation:
    """Put version 1 into service, beside another model of the same Registry stack."""
    found = FakeCloudFormation()
    found.add(SERVING, {"Resources": {}}, ENVIRONMENT, model=MODEL, protected=True)
    found.add(REGISTRY, registry(MODEL.name, OTHER.name), ENVIRONMENT)
    found.add(OTHER.stack("serving"), {"Resources": {}}, ENVIRONMENT, model=OTHER)
    arn = register(world, 1)
    serve(world, arn, "1")
    world.services.ledger.record(
        keys.champion(MODEL.name), Champion(package_arn=arn, version=1, release_id="r1", since="2026-03-01T12:00:00Z")
    )
    return found


def services_of(world: World, cloud: FakeCloudFormation, hook: Callable[[], None] = lambda: None) -> Services:
    return Services(
        ENVIRONMENT,
        lambda service: Client(cloud if service == "cloudformation" else world.client(service), hook, WRITES),
    )


def left(world: World) -> dict[str, Any]:
    """Return what is left of the model in SageMaker and Parameter Store."""
    sagemaker = world.client("sagemaker")
    parameters = world.client("ssm").get_parameters(Names=[MODEL.release_parameter])["Parameters"]
    return {
        "endpoints": [found["EndpointName"] for found in sagemaker.list_endpoints()["Endpoints"]],
        "configs": [found["EndpointConfigName"] for found in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
        "models": [found["ModelName"] for found in sagemaker.list_models()["Models"]],
        "parameters": [found["Name"] for found in parameters],
    }


NOTHING: dict[str, Any] = {"endpoints": [], "configs": [], "models": [], "parameters": []}


def planned(world: World, cloud: FakeCloudFormation) -> RetirementPlan:
    return plan_retirement(services_of(world, cloud), MODEL)


def test_plan_lists_everything_and_changes_nothing(world: World, cloud: FakeCloudFormation) -> None:
    plan = planned(world, cloud)
    assert [stack.name for stack in plan.stacks] == [SERVING]
    assert plan.stacks[0].protected
    assert plan.registry == REGISTRY
    assert set(plan.parts) == {MODEL.package_group, MODEL.settings_parameter, MODEL.drift_schedule}
    assert plan.endpoint == MODEL.endpoint
    assert plan.leftovers == Leftovers(configs=("config-1",), models=("model-1",))
    assert plan.belongings.packages == 1
    assert plan.belongings.size_bytes > 0
    assert cloud.calls == []
    assert left(world)["endpoints"] == [MODEL.endpoint]


def test_retirement_keeps_the_registry_the_files_and_the_other_model(world: World, cloud: FakeCloudFormation) -> None:
    done = retire(services_of(world, cloud), planned(world, cloud))
    assert cloud.calls == [("delete", SERVING), ("update", REGISTRY)]
    assert cloud.left() == sorted([REGISTRY, OTHER.stack("serving")])
    assert parts_of(cloud.stacks[REGISTRY].template, MODEL) == {}
    assert len(parts_of(cloud.stacks[REGISTRY].template, OTHER)) == 3
    assert left(world) == NOTHING
    assert world.services.ledger.get(keys.champion(MODEL.name)) is None
    ((_, record),) = world.services.ledger.query(keys.retirements(MODEL.name))
    assert record == done
    assert (record.package_arn, record.erased) == (MODEL.package_arn(1), False)
    assert record.ended
    after = planned(world, cloud)
    assert after.is_empty
    assert after.belongings.packages == 1
    assert after.belongings.versions > 0


@pytest.mark.parametrize("write", range(1, 12))
def test_process_that_dies_before_any_write_is_followed_by_one_that_finishes(
    world: World, cloud: FakeCloudFormation, write: int
) -> None:
    with pytest.raises(DiedError):
        retire(services_of(world, cloud, Dying(number=write)), planned(world, cloud))
    retire(services_of(world, cloud), planned(world, cloud))
    assert left(world) == NOTHING
    assert cloud.left() == sorted([REGISTRY, OTHER.stack("serving")])
    records = [record for _, record in world.services.ledger.query(keys.retirements(MODEL.name))]
    assert [(bool(record.ended), record.package_arn) for record in records] == [(True, MODEL.package_arn(1))]


def test_model_alone_in_its_registry_stack_takes_the_stack_with_it(world: World, cloud: FakeCloudFormation) -> None:
    cloud.stacks[REGISTRY].template = registry(MODEL.name)
    retire(services_of(world, cloud), planned(world, cloud))
    assert cloud.left() == [OTHER.stack("serving")]


def test_model_that_has_left_the_fleet_and_its_registry_stack_is_retired(
    world: World, cloud: FakeCloudFormation
) -> None:
    cloud.stacks[REGISTRY].template = registry(OTHER.name)
    plan = planned(world, cloud)
    assert (plan.registry, plan.parts) == (None, ())
    retire(services_of(world, cloud), plan)
    assert cloud.calls == [("delete", SERVING)]
    assert left(world) == NOTHING


def test_release_under_way_refuses_the_retirement_and_a_dead_one_ends_with_it(
    world: World, cloud: FakeCloudFormation
) -> None:
    lock = ReleaseLock(
        release_id="r2",
        execution=ENVIRONMENT.arn("states", "execution:release:two"),
        model=MODEL.name,
        package_arn=MODEL.package_arn(2),
        by="approval",
        rollback=False,
        previous="none,none,none,0,plain",
        intended="none,none,none,0,plain",
        predecessors=Leftovers(configs=("config-0",), models=("model-0",)),
        begun="2026-03-01T12:00:00Z",
    )
    world.services.ledger.record(keys.release_lock(MODEL.name), lock)
    world.services.ledger.record(keys.release(MODEL.name, "r2"), Release.begun_by(lock))
    world.executions.running.add(lock.execution)
    with pytest.raises(MooringError, match=r"a release of .* is under way"):
        planned(world, cloud)
    world.executions.running.clear()
    plan = planned(world, cloud)
    assert plan.leftovers == Leftovers(configs=("config-0", "config-1"), models=("model-0", "model-1"))
    retire(services_of(world, cloud), plan)
    assert world.item(keys.release(MODEL.name, "r2")).outcome == ReleaseOutcome.UNDONE
    assert world.services.ledger.get(keys.release_lock(MODEL.name)) is None


def test_retraining_under_way_refuses_the_retirement(world: World, cloud: FakeCloudFormation) -> None:
    execution = ENVIRONMENT.arn("states", "execution:retraining:one")
    world.services.ledger.record(keys.lease(MODEL.name), Lease(holder=execution, token=1))
    world.executions.running.add(execution)
    with pytest.raises(MooringError, match=r"a retraining of .* is under way"):
        planned(world, cloud)


def test_stack_that_cannot_be_deleted_is_named_with_its_reason(world: World, cloud: FakeCloudFormation) -> None:
    cloud.failing.add(SERVING)
    with pytest.raises(MooringError, match=f"{SERVING} is DELETE_FAILED: the fake refuses"):
        retire(services_of(world, cloud), planned(world, cloud))
    assert left(world)["endpoints"] == [MODEL.endpoint]


def test_template_without_a_model_lacks_its_parts_and_its_release_state() -> None:
    template = registry(MODEL.name, OTHER.name)
    before = json.dumps(template)
    assert without(template, MODEL) == registry(OTHER.name)
    assert without(registry(MODEL.name), MODEL) is None
    assert json.dumps(template) == before
