"""The life of a deployed environment: upgraded and back under load, taken down and up again, a model retired and back.

The tests build on each other, in this order: each ends with version 1 in service, the last one with nothing.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mooring.cdk import fleet_file
from mooring.cli import cli
from mooring.demo import chapters
from mooring.demo.chapters import MODEL
from mooring.deployed import DeployedEnvironment
from mooring.environments.caller import caller_services
from mooring.environments.stacks import Stacks
from mooring.environments.sweep import Found, sweep
from mooring.errors import MooringError
from pipelines.interface import keys
from tests.local.loop.conftest import Deployment, deploy
from tests.support.assemblies import next_release


def run(*arguments: str, typed: str = "") -> str:
    result = CliRunner().invoke(cli, list(arguments), input=typed, catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def found(deployed: DeployedEnvironment) -> list[Found]:
    return sweep(caller_services(deployed.environment))


def kinds(deployed: DeployedEnvironment) -> set[str]:
    return {one.kind for one in found(deployed)}


@pytest.fixture
def version_1(arrivals: DeployedEnvironment) -> str:
    """Return the ARN of version 1, which serves."""
    arn = arrivals.environment.model(MODEL).package_arn(1)
    # Roles that were made again have new sessions.
    assert chapters.serving_package(DeployedEnvironment(arrivals.environment), MODEL) == arn
    return arn


@pytest.fixture
def fleet_without_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Return a function that lets the model leave the fleet's file, and come back."""
    before = fleet_file()
    text = before.read_text()
    changed = tmp_path / "fleet.yaml"
    changed.write_text(text.replace(f"name: {MODEL}\n", "name: another-model\n        program: late_arrival\n"))

    def leave(left: bool) -> None:
        monkeypatch.setenv("MOORING_FLEET", str(changed if left else before))

    return leave


def test_no_request_fails_while_a_release_is_deployed_and_the_one_before_again(
    deployment: Deployment, stage: chapters.Stage, arrivals: DeployedEnvironment, version_1: str, admin: Any
) -> None:
    upgraded = replace(deployment, assembly=next_release(deployment.assembly, deployment.logs / "next.out"))
    sagemaker, endpoint = admin("sagemaker"), arrivals.environment.model(MODEL).endpoint
    configs = [sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]]
    with chapters.constant_caller(stage) as caller:
        for assembly in (upgraded, deployment):
            before = caller.answered
            printed = deploy(assembly)
            assert printed.count("(no changes)") <= 1, "only Foundation may be as it was"
            configs.append(sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"])
            assert caller.answered > before
    assert caller.failures == []
    assert len(set(configs)) == 3, "each deployment changed the endpoint"
    assert chapters.serving_package(arrivals, MODEL) == version_1
    champion = arrivals.ledger.get(keys.champion(MODEL))
    assert champion is not None
    assert champion.version == 1


def test_environment_that_was_taken_down_comes_up_again_with_its_data_and_champion(
    deployment: Deployment, arrivals: DeployedEnvironment, version_1: str
) -> None:
    name = arrivals.environment.id
    head = arrivals.dataset("flights").head().id
    planned = json.loads(run("env", "down", name, "--dry-run", "--json"))
    assert "endpoint" in kinds(arrivals), "a dry run changes nothing"
    assert planned["kept_monthly_usd"] >= 1
    said = run("env", "down", name, "--yes")
    assert "a sweep of all services finds nothing but what stays" in said
    assert kinds(arrivals) == {
        "S3 bucket",
        "DynamoDB table",
        "KMS key",
        "event archive",
        "model package group",
        "parameter",
        "log group",
    }
    assert "there is no stack and no endpoint" in run("env", "down", name)
    with pytest.raises(MooringError, match="failed creation"):
        deploy(deployment)
    adopted = json.loads(run("adopt", name, "--yes", "--json"))
    assert sum(len(stack["imports"]) for stack in adopted["stacks"]) >= 7
    deploy(deployment)
    again = DeployedEnvironment(arrivals.environment)
    assert chapters.serving_package(again, MODEL) == version_1
    assert again.dataset("flights").head().id == head
    assert json.loads(run("data", "verify", name, "flights", "--all", "--json"))["damages"] == []
    keys_now = [one.name for one in found(again) if one.kind == "KMS key"]
    assert len(keys_now) == 1, "the key was adopted, not replaced"
    assert "nothing exists that its stacks would create" in run("adopt", name)


def test_endpoint_that_lost_its_stack_is_adopted_under_load(
    deployment: Deployment, stage: chapters.Stage, arrivals: DeployedEnvironment, version_1: str, admin: Any
) -> None:
    again, sagemaker = DeployedEnvironment(arrivals.environment), admin("sagemaker")
    model = arrivals.environment.model(MODEL)
    before = sagemaker.describe_endpoint(EndpointName=model.endpoint)
    with chapters.constant_caller(replace(stage, arrivals=again)) as caller:
        Stacks(caller_services(arrivals.environment)).delete(model.stack("serving"))
        with pytest.raises(MooringError, match="Endpoint names must be unique"):
            deploy(deployment)
        (planned,) = json.loads(run("adopt", arrivals.environment.id, "--plan", "--json"))["stacks"]
        assert planned["stack"] == model.stack("serving")
        run("adopt", arrivals.environment.id, "--yes")
        deploy(deployment)
        answered = caller.answered
    assert caller.failures == []
    assert answered > 0
    after = sagemaker.describe_endpoint(EndpointName=model.endpoint)
    assert after["EndpointConfigName"] == before["EndpointConfigName"], "nothing was replaced"
    assert after["CreationTime"] == before["CreationTime"]
    assert chapters.serving_package(again, MODEL) == version_1


def test_retired_model_leaves_nothing_but_what_it_produced_and_comes_back(
    deployment: Deployment,
    arrivals: DeployedEnvironment,
    version_1: str,
    fleet_without_the_model: Callable[[bool], None],
) -> None:
    name, again = arrivals.environment.id, DeployedEnvironment(arrivals.environment)
    fleet_without_the_model(True)
    listed = run("retire", name)
    assert f"mooring retire {name} {MODEL}" in listed
    run("retire", name, MODEL, "--yes")
    left = found(again)
    assert not {one.kind for one in left} & {"endpoint", "endpoint config", "SageMaker model", "scaling target"}
    mine = {one.kind for one in left if MODEL in one.name}
    assert mine == {"model package group", "log group"}
    assert "is in " in run("retire", name)
    fleet_without_the_model(False)
    run("adopt", name, "--yes")
    deploy(deployment)
    rollback = again.wait_for(again.start_rollback(MODEL, 1, by="tester"), timeout_s=300)
    assert rollback.status == "SUCCEEDED", rollback.cause
    assert chapters.serving_package(again, MODEL) == version_1


def test_erased_model_keeps_the_record_of_its_end_only(arrivals: DeployedEnvironment) -> None:
    again = DeployedEnvironment(arrivals.environment)
    run("retire", arrivals.environment.id, MODEL, "--erase", "--yes")
    assert {one.kind for one in found(again) if MODEL in one.name} == set()
    assert list(again.ledger.query(keys.runs(MODEL))) == []
    records = [record for _, record in again.ledger.query(keys.retirements(MODEL))]
    assert [record.erased for record in records] == [False, True]


def test_erased_environment_leaves_nothing(arrivals: DeployedEnvironment) -> None:
    name = arrivals.environment.id
    with pytest.raises(MooringError, match="nothing was changed"):
        run("env", "down", name, "--erase", typed="another\n")
    run("env", "down", name, "--erase", typed=f"{name}\n")
    assert found(arrivals) == []
