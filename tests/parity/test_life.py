"""The life of one environment, in order: each test begins where the one before it ended."""

import json

import boto3
import pytest
from click.testing import CliRunner

from mooring import cdk
from mooring.cli import cli
from mooring.demo import chapters
from mooring.demo.chapters import MODEL
from mooring.errors import MooringError
from tests.parity.conftest import require_account


@pytest.fixture(scope="module", autouse=True)
def in_order(request: pytest.FixtureRequest) -> None:
    """Refuse a selection of tests: a later one alone would have nothing to begin with."""
    collected = [item.name for item in request.session.items if item.path == request.path]
    assert collected[:1] == ["test_first_deployment"], f"run all of {request.path.name}, not only {collected}"


def test_first_deployment(stage: chapters.Stage) -> None:
    chapters.deploy(stage, "deploy")


def test_another_account_is_refused(stage: chapters.Stage) -> None:
    names = stage.arrivals.environment
    require_account(names.account, names.account, names.region)
    with pytest.raises(MooringError, match="--account is 999999999999"):
        require_account("999999999999", names.account, names.region)


def test_preflight_finds_nothing_that_blocks(stage: chapters.Stage) -> None:
    ran = CliRunner().invoke(cli, ["preflight", stage.arrivals.environment.id, "--prove", "--yes", "--json"])
    document = json.loads(ran.stdout)
    assert [finding for finding in document["findings"] if finding["verdict"] != "warns"] == []
    assert [proof for proof in document["proofs"] if not proof["holds"] or proof["left"]] == []
    assert ran.exit_code == 0


def test_loop_trains_and_releases_a_first_model(stage: chapters.Stage) -> None:
    chapters.first_champions(stage, "first model", range(1, 4))


def test_drift_brings_a_better_model_without_a_failed_request(stage: chapters.Stage) -> None:
    with chapters.constant_caller(stage) as caller:
        chapters.june(stage, caller)


def test_rollback_serves_the_first_model_again(stage: chapters.Stage) -> None:
    deployed = stage.arrivals
    with chapters.constant_caller(stage) as caller:
        arn = deployed.start_rollback(MODEL, 1, by="parity")
        ended = deployed.wait_for(arn, timeout_s=chapters.RUN_TIMEOUT_S)
    assert ended.status == "SUCCEEDED", ended.cause
    assert chapters.serving_package(deployed, MODEL) == deployed.environment.model(MODEL).package_arn(1)
    assert caller.failures == []


def test_teardown_leaves_no_stack_and_no_endpoint(stage: chapters.Stage) -> None:
    """Delete the stacks and the endpoint. What is retained stays: data, ledger, key, packages."""
    names = stage.arrivals.environment
    cdk.run(
        ["destroy", "--app", str(stage.home / "cdk.out"), f"{names.id}-*", "--force"],
        variables=stage.variables[names.id],
        log=stage.home / "destroy.log",
    )
    sagemaker = boto3.client("sagemaker", region_name=names.region)
    sagemaker.delete_endpoint(EndpointName=names.model(MODEL).endpoint)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=names.model(MODEL).endpoint)
    stacks = boto3.client("cloudformation", region_name=names.region).describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks if stack["StackName"].startswith(f"{names.id}-")] == []
    assert sagemaker.list_endpoints(NameContains=names.id)["Endpoints"] == []
