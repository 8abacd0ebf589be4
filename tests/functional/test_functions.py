"""Tests the functions' edges: every row of the table has a handler, which reads its variables and its request."""

import importlib
import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.components.asl import State, states_of
from infra.components.checks_flow import checks_flow
from infra.components.release_flow import release_flow
from infra.components.retraining_flow import retraining_flow
from infra.functions import FUNCTIONS, FunctionSpec
from pipelines.aws.function import Handler
from pipelines.aws.packages import read_package
from pipelines.flows.release.states import answer
from pipelines.interface.env import CheckEnv, FunctionEnv, MissingEnvironmentError
from pipelines.interface.names import Environment
from pipelines.interface.release_state import ReleaseState
from tests.support.world import ENVIRONMENT, MODEL, World, serve

BY_FUNCTION = {ENVIRONMENT.function_arn(spec.name): spec for spec in FUNCTIONS}


def handler_of(spec: FunctionSpec) -> Handler[Any, Any]:
    module, name = spec.handler.rsplit(".", 1)
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, Handler)
    return found


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_handler_is_there_and_names_missing_variables(spec: FunctionSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [field.name.upper() for field in fields(spec.env)]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert names[:4] == ["TEAM", "STAGE", "ACCOUNT", "REGION"]
    handler = handler_of(spec)
    assert (handler.name, handler.env) == (spec.name, spec.env)
    with pytest.raises(MissingEnvironmentError, match=", ".join(names)):
        handler({}, None)


@pytest.mark.parametrize("flow", [retraining_flow, release_flow, checks_flow])
def test_states_give_the_fields_that_their_functions_request(flow: Callable[[Environment], State]) -> None:
    calls = [state for state in states_of(flow(ENVIRONMENT)) if state.get("Resource") in BY_FUNCTION]
    assert calls
    for state in calls:
        spec = BY_FUNCTION[state["Resource"]]
        given = {name.removesuffix(".$") for name in state["Parameters"]}
        known = fields(handler_of(spec).request)
        required = {f.name for f in known if f.default is MISSING and f.default_factory is MISSING}
        assert required <= given <= {field.name for field in known}, spec.name


def test_environment_goes_there_and_back() -> None:
    env = CheckEnv(team="arrivals", stage="dev", account="1", region="us-east-1", data_bucket="data", key_arn="arn")
    assert CheckEnv.from_environment(env.to_environment()) == env


def test_handler_acts_on_the_environment_of_its_variables(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One handler stands for all: it has its own clients, and the others differ only in what they call."""
    env = FunctionEnv(
        team=ENVIRONMENT.team,
        stage=ENVIRONMENT.stage,
        account=ENVIRONMENT.account,
        region=ENVIRONMENT.region,
        data_bucket=ENVIRONMENT.bucket("data"),
    )
    for name, value in env.to_environment().items():
        monkeypatch.setenv(name, value)
    arn = world.create_package(ModelApprovalStatus="PendingManualApproval")
    [spec] = [spec for spec in FUNCTIONS if spec.name == "approve_package"]
    found = handler_of(spec)({"package_arn": arn, "by": "bob", "comment": "good"}, None)
    assert found == {"package_arn": arn, "version": 1}
    assert read_package(world.services, arn).status == "Approved"


def custom_resource(kind: str, *models: str) -> dict[str, Any]:
    """Return an event of CloudFormation."""
    return {
        "RequestType": kind,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "ReleaseStates",
        # CloudFormation also gives the properties that are its own.
        "ResourceProperties": {"ServiceToken": "x", "ServiceTimeout": "900", "Models": list(models)},
    }


def answered(world: World, event: dict[str, Any]) -> dict[str, Any]:
    """Return the answer that CloudFormation gets."""
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
    serve(world, world.create_package(ModelApprovalStatus="Approved"), "1")
    world.client("ssm").delete_parameter(Name=MODEL.release_parameter)
    refused = answered(world, custom_resource("Update", MODEL.name))
    assert refused["Status"] == "FAILED"
    assert MODEL.release_parameter in refused["Reason"]
    with pytest.raises(ClientError, match="ParameterNotFound"):
        world.services.parameter(MODEL.release_parameter)


def test_broken_request_is_answered_too(world: World) -> None:
    event = custom_resource("Create")
    del event["ResourceProperties"]["Models"]
    refused = answered(world, event)
    assert refused["Status"] == "FAILED"
    assert "Models" in refused["Reason"]
