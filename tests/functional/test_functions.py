"""The functions' edges: every handler is there, thin, and takes its environment from variables."""

import importlib
import json
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipelines.flows.release.states import answer
from pipelines.interface.env import FUNCTIONS, DriftCheckEnv, MissingEnvironmentError
from pipelines.interface.release_state import ReleaseState
from tests.support.world import ENVIRONMENT, MODEL, World, serve


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_is_there_and_names_missing_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, function = FUNCTIONS[name].HANDLER.rsplit(".", 1)
    for variable in ("TEAM", "STAGE", "ACCOUNT", "REGION", "KEY_ARN"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(MissingEnvironmentError, match="TEAM, STAGE, ACCOUNT, REGION"):
        getattr(importlib.import_module(module), function)({}, None)


def test_environment_goes_there_and_back() -> None:
    env = DriftCheckEnv(team="arrivals", stage="dev", account="1", region="us-east-1", key_arn="arn")
    assert DriftCheckEnv.from_environment(env.to_environment()) == env


def test_functions_import_nothing_that_their_package_lacks() -> None:
    """In a process of its own: all handlers together import nothing that is not in the layer."""
    modules = [env.HANDLER.rsplit(".", 1)[0] for env in FUNCTIONS.values()]
    program = (
        "import importlib, json, sys\n"
        f"[importlib.import_module(name) for name in {modules}]\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ran.stdout))
    assert not loaded & {"pandas", "scipy", "sklearn", "joblib", "pydantic", "yaml", "moto", "aws_cdk", "pyarrow"}
    assert {"numpy", "msgspec", "boto3"} <= loaded


def test_reading_a_handler_through_its_variables(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One handler on its own factory's clients; the others differ only in what they call."""
    for name, value in (
        FUNCTIONS["approve_package"](
            team=ENVIRONMENT.team, stage=ENVIRONMENT.stage, account=ENVIRONMENT.account, region=ENVIRONMENT.region
        )
        .to_environment()
        .items()
    ):
        monkeypatch.setenv(name, value)
    arn = world.client("sagemaker").create_model_package(
        ModelPackageGroupName=MODEL.package_group, ModelApprovalStatus="PendingManualApproval"
    )["ModelPackageArn"]
    handler: Any = importlib.import_module("functions.approve_package.handler")
    assert handler.handle({"package_arn": arn, "by": "bob", "comment": "good"}, None)["version"] == 1
    assert world.services.package(arn)["ModelApprovalStatus"] == "Approved"


def custom_resource(kind: str, *models: str) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "ReleaseStates",
        "ResourceProperties": {"ServiceToken": "x", "Models": list(models)},
    }


def answered(world: World, event: dict[str, Any]) -> dict[str, Any]:
    sent: list[tuple[str, bytes]] = []
    answer(event, world.services, send=lambda url, body: sent.append((url, body)))
    ((url, body),) = sent
    assert url == "https://answer"
    return dict(json.loads(body))


def test_absent_release_states_are_created_and_others_kept(world: World) -> None:
    kept = ReleaseState(champion="arn:aws:sagemaker:us-east-1:1:model-package/x/1").to_value()
    world.services.put_parameter(MODEL.release_parameter, kept)
    created = answered(world, custom_resource("Create", MODEL.name, "second-model"))
    assert created["Status"] == "SUCCESS"
    assert world.services.parameter(MODEL.release_parameter) == kept
    second = ENVIRONMENT.model("second-model").release_parameter
    assert world.services.parameter(second) == ReleaseState().to_value()
    assert answered(world, custom_resource("Update", MODEL.name))["PhysicalResourceId"] == created["PhysicalResourceId"]


def test_delete_does_nothing(world: World) -> None:
    assert answered(world, custom_resource("Delete", MODEL.name))["Status"] == "SUCCESS"
    assert world.services.parameter(MODEL.release_parameter)


def test_absent_state_of_a_serving_endpoint_is_refused(world: World) -> None:
    arn = world.client("sagemaker").create_model_package(
        ModelPackageGroupName=MODEL.package_group, ModelApprovalStatus="Approved"
    )["ModelPackageArn"]
    serve(world, arn, "1")
    world.client("ssm").delete_parameter(Name=MODEL.release_parameter)
    refused = answered(world, custom_resource("Update", MODEL.name))
    assert refused["Status"] == "FAILED"
    assert MODEL.release_parameter in refused["Reason"]
    with pytest.raises(ClientError, match="ParameterNotFound"):
        world.services.parameter(MODEL.release_parameter)


def test_broken_request_is_answered_too(world: World) -> None:
    event = custom_resource("Create")
    del event["ResourceProperties"]["Models"]
    assert answered(world, event)["Status"] == "FAILED"
