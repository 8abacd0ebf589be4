"""CodePipeline as a table of executions: requests and answers are checked against botocore's shapes."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from infra.fleet import FleetEnvironment
from mooring.promotions.releases import TeamPipelines
from pipelines.aws.clients import Services
from pipelines.interface.codec import canonical
from pipelines.interface.paths import carried_record_key
from pipelines.interface.records import ReleaseRecord
from tests.support.synth import promoting_fleet

START = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
EXECUTION = "3f2a91c0-0000-4000-8000-000000000001"
APPROVAL_ID = "aaaaaaaa-0000-4000-8000-000000000009"
DIGEST = "d1" * 32
STAGES = {
    "models": {"Source": ["Source"], "staging": ["Import", "Release"], "prod": ["Import", "Approve", "Release"]},
    "code": {"Source": ["Source"], "Build": ["Build"], "prod": ["Approve", "Deploy-us-east-1", "Smoke-us-east-1"]},
}
KINDS = {"Approve": ("Approval", "Manual"), "Source": ("Source", "S3"), "Build": ("Build", "CodeBuild")}
_MODELS = {name: botocore.session.get_session().get_service_model(name) for name in ("codepipeline", "stepfunctions")}


def place() -> FleetEnvironment:
    """Return the place of the pipelines of the team arrivals, whose stage prod wants an approval by two people."""
    return promoting_fleet().deployable()["arrivals-tooling-eu-west-1"]


def record(**changes: Any) -> ReleaseRecord:
    values: dict[str, Any] = {
        name: "" for name in ReleaseRecord.__dataclass_fields__ if name not in ("format", "version")
    }
    values |= {"format": 1, "version": 3, "properties": {}, "parameters": {}, "metrics": {"auc": 0.81}}
    values |= {"gains": (), "files": (), "approvals": (), "model": "late-arrival", "to": "prod"}
    return ReleaseRecord(**{**values, "requested_by": "ann", "trained_by": "ben", **changes})


def archive(text: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        opened.writestr("record.json", text)
        opened.writestr("signature.json", "{}")
    return written.getvalue()


def summary(status: str = "InProgress", execution: str = EXECUTION, **more: Any) -> dict[str, Any]:
    return {"pipelineExecutionId": execution, "status": status, "startTime": START, "lastUpdateTime": START, **more}


def action(
    stage: str,
    name: str,
    status: str = "Succeeded",
    *,
    minute: int,
    result: Mapping[str, Any] | None = None,
    by: str = "",
) -> dict[str, Any]:
    """Return one action that began at a minute after the start."""
    category, provider = KINDS.get(name, ("Invoke", "StepFunctions"))
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    found: dict[str, Any] = {
        "pipelineExecutionId": EXECUTION,
        "actionExecutionId": f"{stage}-{name}-{minute}",
        "stageName": stage,
        "actionName": name,
        "status": status,
        "startTime": START + timedelta(minutes=minute),
        "lastUpdateTime": START + timedelta(minutes=minute, seconds=30),
        "input": {"actionTypeId": kind},
        "output": {"executionResult": dict(result or {})},
    }
    return found | ({"updatedBy": by} if by else {})


def source(digest: str = DIGEST) -> dict[str, Any]:
    found = action("Source", "Source", minute=0)
    return found | {"output": {"outputVariables": {"ObjectKey": carried_record_key(digest)}}}


def waiting(stage: str, *, minute: int) -> dict[str, Any]:
    return action(stage, "Approve", "InProgress", minute=minute, result={"externalExecutionId": APPROVAL_ID})


def machine(name: str) -> str:
    return place().names.arn("states", f"execution:{place().names.state_machine('promotion')}:{name}")


def skipped(stage: str) -> dict[str, Any]:
    return {
        "pipelineExecutionId": EXECUTION,
        "stageName": stage,
        "ruleName": "IsAskedFor",
        "status": "Failed",
        "startTime": START,
    }


@dataclass
class PipelineWorld:
    """Clients of the tooling account: executions, actions and rules are of all pipelines, by ``kind``."""

    kind: str = "models"
    executions: Sequence[dict[str, Any]] = (summary(),)
    actions: Sequence[dict[str, Any]] = ()
    rules: Sequence[dict[str, Any]] = ()
    machines: dict[str, dict[str, str]] = field(default_factory=dict)
    record: ReleaseRecord | bytes = field(default_factory=record)
    state: dict[str, Any] = field(default_factory=dict)
    refuses: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def team(self) -> TeamPipelines:
        return TeamPipelines(place(), Services(place().names, lambda service: _Client(self, service)))

    def answer(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if service == "s3":
            content = self.record if isinstance(self.record, bytes) else archive(canonical(self.record))
            return {"Body": io.BytesIO(content)}
        if service == "stepfunctions":
            if request["executionArn"] not in self.machines:
                raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
            common = {"stateMachineArn": machine("x"), "startDate": START, "executionArn": request["executionArn"]}
            return common | self.machines[request["executionArn"]]
        name = request.get("pipelineName") or request["name"]
        if name != place().names.pipeline(self.kind):
            raise ClientError({"Error": {"Code": "PipelineNotFoundException"}}, operation)
        if operation in ("put_approval_result", "retry_stage_execution", "stop_pipeline_execution"):
            if self.refuses:
                raise ClientError({"Error": {"Code": self.refuses, "Message": "no"}}, operation)
            self.calls.append((operation, request))
            return {}
        answers: dict[str, dict[str, Any]] = {
            "get_pipeline": {"pipeline": _pipeline(name, self.kind)},
            "get_pipeline_state": self.state,
            "list_pipeline_executions": {"pipelineExecutionSummaries": self.executions},
            "list_action_executions": {"actionExecutionDetails": self.actions},
            "list_rule_executions": {"ruleExecutionDetails": self.rules},
        }
        return answers[operation]


def _pipeline(name: str, kind: str) -> dict[str, Any]:
    stages = [
        {
            "name": stage,
            "actions": [
                {
                    "name": each,
                    "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "StepFunctions", "version": "1"},
                }
                for each in actions
            ],
        }
        for stage, actions in STAGES[kind].items()
    ]
    return {"name": name, "roleArn": place().names.role_arn(name), "stages": stages}


@dataclass(frozen=True)
class _Client:
    world: PipelineWorld
    service: str

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> dict[str, Any]:
            shapes = _shapes(self.service, operation)
            if shapes:
                _require(shapes.input_shape, request, operation)
            answer = self.world.answer(self.service, operation, request)
            if shapes:
                _require(shapes.output_shape, json_like(answer), operation)
            return answer

        return call

    def get_paginator(self, operation: str) -> Any:
        return _Pages(getattr(self, operation))


@dataclass(frozen=True)
class _Pages:
    call: Any

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        yield self.call(**request)


def json_like(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer with lists, as botocore's validator wants it."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in answer.items()}


def _shapes(service: str, operation: str) -> Any:
    model = _MODELS.get(service)
    name = "".join(part.capitalize() for part in operation.split("_"))
    return model.operation_model(name) if model else None


def _require(shape: Any, value: Mapping[str, Any], operation: str) -> None:
    found = ParamValidator().validate(value, shape)
    assert not found.has_errors(), f"{operation}: {found.generate_report()} in {json.dumps(value, default=str)}"
