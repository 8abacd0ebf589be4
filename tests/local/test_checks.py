"""Checks on the embedded AWS, from the very templates: functions, the distributed map and permissions are real."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mooring.cli.fleet import find
from pipelines.aws.clients import Services
from pipelines.interface import keys
from pipelines.interface.paths import capture_prefix, check_prefix
from pipelines.interface.records import Check
from pipelines.interface.release_state import ReleaseState
from pipelines.monitoring.capture import listing
from pipelines.monitoring.capture.served import ServedVersions
from pipelines.monitoring.capture.traffic import Traffic
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift import fan_out
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.profile import PREDICTION, Profile
from tests.local.test_landing import World, deploy, foundation
from tests.support.captured import HEADER, record, rows
from tests.support.embedded_aws import EmbeddedAws
from tests.support.functions import package
from tests.support.synth import Template, example_templates
from tests.support.world import settings

FUNCTIONS = ("drift_check", "count_batch", "conclude_check")
PARTS = (*(f"Functions{name.title().replace('_', '')}" for name in FUNCTIONS), "Checks")
"""Prefixes of the Operations stack's resources that check traffic."""
ASSETS = "assets-of-checks"
WINDOW = Window.of("2026-03-01T12:00:00Z", 2)


def operations(template: Template, code: dict[str, str]) -> Template:
    """The part of the stack that checks, with ``code`` instead of the CDK's asset and the server's own wheels."""
    resources = {name: part for name, part in template["Resources"].items() if name.startswith(PARTS)}
    for part in resources.values():
        if part["Type"] == "AWS::Lambda::Function":
            part["Properties"]["Code"] = code
            del part["Properties"]["Layers"]
    parameters = {name: part for name, part in template["Parameters"].items() if "keyarn" in name}
    return {"Parameters": parameters, "Resources": resources}


@pytest.fixture(scope="module")
def world(embedded_aws: EmbeddedAws) -> Iterator[World]:
    """Deploy the functions and the flow that check; a version serves, with traffic in six files of two hours."""
    found = World(embedded_aws, find("arrivals-staging-us-east-1"))
    names, s3 = found.environment, found.client("s3")
    embedded_aws.create_boundary(names)
    s3.create_bucket(Bucket=ASSETS)
    s3.put_object(Bucket=ASSETS, Key="code.zip", Body=package(*FUNCTIONS))
    templates = example_templates()
    deploy(found, names.stack("foundation"), foundation(templates[names.stack("foundation")]), assets=ASSETS)
    code = {"S3Bucket": ASSETS, "S3Key": "code.zip"}
    deploy(found, names.stack("operations"), operations(templates[names.stack("operations")], code), assets=ASSETS)
    serve(found)
    capture(found)
    yield found
    for stack in ("operations", "foundation"):
        found.client("cloudformation").delete_stack(StackName=names.stack(stack))


def serve(world: World) -> None:
    services = services_of(world)
    model = services.environment.model("late-arrival")
    reference = rows(2000)
    table = {name: [row[number] for row in reference] for number, name in enumerate(HEADER)}
    profile = Profile.of([{**table, PREDICTION: [number / 2000 for number in range(2000)]}], categories=["origin"])
    artifacts = services.bucket("artifacts")
    artifacts.write_json("runs/late-arrival/r/evaluation/baseline.json", Baseline(profile=profile).to_document())
    sagemaker = world.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=model.package_group)
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=model.package_group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": settings().image, "ModelDataUrl": artifacts.uri("model.tar.gz")}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        CustomerMetadataProperties={"baseline_uri": artifacts.uri("runs/late-arrival/r/evaluation/baseline.json")},
    )["ModelPackageArn"]
    services.put_parameter(model.release_parameter, ReleaseState(champion=arn).to_value())
    world.client("ssm").put_parameter(Name=model.settings_parameter, Value=settings().to_json(), Type="String")


def capture(world: World) -> None:
    services = services_of(world)
    bucket, model = services.bucket("capture"), services.environment.model("late-arrival")
    sample = rows(900, shift=20)
    for number in range(6):
        hour = "11" if number % 2 else "10"
        lines = [record([row], time=f"{hour}:20", event_id=f"{number} {row}") for row in sample[number::6]]
        folder = f"{capture_prefix(model.name, 1)}/{model.endpoint}/primary/2026/03/01/{hour}"
        bucket.write(f"{folder}/{number}.jsonl", "\n".join([*lines, lines[0], "corrupt"]).encode())


def services_of(world: World) -> Services:
    return Services(world.environment, world.client)


def found(world: World) -> tuple[Check, dict[str, Any]]:
    """Return the one check that was made, as the ledger and as check.json hold it."""
    services = services_of(world)
    [(_, check)] = services.ledger.query(keys.checks("late-arrival"))
    prefix = check_prefix("late-arrival", check.check_id)
    return check, services.bucket("artifacts").read_json(f"{prefix}check.json")


def test_a_check_and_a_distributed_map_find_the_same(world: World) -> None:
    services = services_of(world)
    request = {"model": "late-arrival", "scheduled_at": "2026-03-01T12:00:00Z"}
    answer = world.client("lambda").invoke(
        FunctionName=services.environment.function("drift_check"), Payload=json.dumps(request)
    )
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    by_one = found(world)
    assert (by_one[0].outcome, by_one[0].rows, by_one[0].duplicates) == ("drift", 900, 6)

    model = services.environment.model("late-arrival")
    files = Traffic(services.bucket("capture"), model, ServedVersions(services.ledger, model.name, 1)).files(1, WINDOW)
    plan = fan_out.Plan(version=1, window=WINDOW, batches=listing.batches(files))
    assert len(plan.batches) == 2
    arn = fan_out.start(services, model.name, by_one[0].check_id, plan, {})
    ended = finish(world, arn)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"])["check"]["rows"] == 900
    assert found(world) == by_one


def test_a_batch_that_cannot_be_counted_fails_the_check(world: World) -> None:
    services = services_of(world)
    request = {"model": "late-arrival", "folder": "checks/late-arrival/none/x/", "batches": [0, 1]}
    arn = world.client("stepfunctions").start_execution(
        stateMachineArn=services.environment.state_machine_arn("checks"), input=json.dumps(request)
    )["executionArn"]
    ended = finish(world, arn)
    assert ended["status"] == "FAILED"
    assert ended["error"] == "States.ExceedToleratedFailureThreshold"


def finish(world: World, arn: str, within_s: float = 60) -> dict[str, Any]:
    end = time.monotonic() + within_s
    while (described := world.client("stepfunctions").describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < end, f"{arn} still runs"
        time.sleep(0.2)
    return dict(described)
