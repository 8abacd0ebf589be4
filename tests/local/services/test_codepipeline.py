"""Pipelines really run on the embedded AWS: locks of stages, modes, approvals, retries, stops, and roles."""

import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.embedded_aws import EmbeddedAws
from tests.support.sagemaker_world import wait

ACCOUNT, REGION = "454545454545", "eu-west-1"
BUCKET, STORE = "codepipeline-source", "codepipeline-store"
MACHINES = ("good", "bad")


def action(name: str, category: str, provider: str, order: int = 1, **configuration: str) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "runOrder": order, "configuration": configuration}


SOURCE = {
    **action("Source", "Source", "S3", S3Bucket=BUCKET, S3ObjectKey="code.zip", PollForSourceChanges="false"),
    "outputArtifacts": [{"name": "Code"}],
    "namespace": "Source",
}
APPROVE = action("Approve", "Approval", "Manual", CustomData="go on?")


def machine(name: str, order: int = 1) -> dict[str, Any]:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:codepipeline-{name}"
    request = json.dumps({"execution": "#{codepipeline.PipelineExecutionId}", "key": "#{Source.ObjectKey}"})
    return action(name, "Invoke", "StepFunctions", order, StateMachineArn=arn, Input=request)


class World:
    def __init__(self, aws: EmbeddedAws, role: str) -> None:
        self.aws, self.role = aws, role
        self.pipelines = self.client("codepipeline")

    def client(self, service: str, role: str | None = None) -> Any:
        return self.aws.client(service, ACCOUNT, REGION, role=role)

    def create(self, *stages: list[dict[str, Any]], mode: str = "SUPERSEDED", role: str = "") -> str:
        """Create a pipeline of a source and these stages; return its name once its first execution has ended."""
        name = f"p-{uuid4().hex[:8]}"
        self.pipelines.create_pipeline(
            pipeline={
                "name": name,
                "roleArn": role or self.role,
                "pipelineType": "V2",
                "executionMode": mode,
                "artifactStore": {"type": "S3", "location": STORE},
                "stages": [
                    {"name": "Source", "actions": [SOURCE]},
                    *({"name": f"S{number}", "actions": actions} for number, actions in enumerate(stages, 1)),
                ],
            }
        )
        return name

    def first(self, name: str) -> str:
        return str(
            self.pipelines.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"][-1][
                "pipelineExecutionId"
            ]
        )

    def start(self, name: str) -> str:
        return str(self.pipelines.start_pipeline_execution(name=name)["pipelineExecutionId"])

    def status(self, name: str, execution: str) -> str:
        found = self.pipelines.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution)
        return str(found["pipelineExecution"]["status"])

    def end(self, name: str, execution: str) -> str:
        done = ("Succeeded", "Failed", "Stopped", "Superseded")
        return str(wait(lambda: self.status(name, execution), until=lambda found: found in done, timeout_s=30))

    def actions(self, name: str, execution: str) -> list[dict[str, Any]]:
        listed = self.pipelines.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": execution})
        return list(reversed(listed["actionExecutionDetails"]))

    def token(self, name: str, execution: str) -> str:
        """Return the token of an execution's approval, once it waits."""

        def waiting() -> str:
            found = [each for each in self.actions(name, execution) if each["actionName"] == "Approve"]
            return found[-1]["actionExecutionId"] if found and found[-1]["status"] == "InProgress" else ""

        return str(wait(waiting, until=bool, timeout_s=30))

    def approve(self, name: str, token: str, status: str = "Approved", *, role: str | None = None) -> None:
        self.client("codepipeline", role).put_approval_result(
            pipelineName=name,
            stageName="S1",
            actionName="Approve",
            result={"summary": "looked at it", "status": status},
            token=token,
        )


@pytest.fixture(scope="module")
def world(embedded_aws: EmbeddedAws) -> World:
    s3 = embedded_aws.client("s3", ACCOUNT, REGION)
    states = embedded_aws.client("stepfunctions", ACCOUNT, REGION)
    for bucket in (BUCKET, STORE):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.txt", "a")
    s3.put_object(Bucket=BUCKET, Key="code.zip", Body=sink.getvalue())
    trusted = {"Service": "states.amazonaws.com"}
    of_states = embedded_aws.create_role("codepipeline-states", [], trusted=trusted, account=ACCOUNT)
    ends = {"good": {"Type": "Succeed"}, "bad": {"Type": "Fail", "Error": "BadError", "Cause": "because"}}
    for name in MACHINES:
        definition = json.dumps({"StartAt": "End", "States": {"End": ends[name]}})
        states.create_state_machine(name=f"codepipeline-{name}", roleArn=of_states, definition=definition)
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:Get*", "s3:PutObject", "states:StartExecution", "states:DescribeExecution"],
        "Resource": "*",
    }
    trusted = {"Service": "codepipeline.amazonaws.com"}
    role = embedded_aws.create_role("codepipeline-role", [allowed], trusted=trusted, account=ACCOUNT)
    return World(embedded_aws, role)


def test_new_pipeline_runs_at_once_and_hands_variables_on(world: World) -> None:
    name = world.create([machine("good")])
    execution = world.first(name)
    assert world.end(name, execution) == "Succeeded"
    source, invoked = world.actions(name, execution)
    assert source["output"]["outputVariables"]["ObjectKey"] == "code.zip"
    (artifact,) = source["output"]["outputArtifacts"]
    assert world.client("s3").head_object(Bucket=STORE, Key=artifact["s3location"]["key"])
    given = json.loads(invoked["input"]["resolvedConfiguration"]["Input"])
    assert given == {"execution": execution, "key": "code.zip"}
    states = [
        stage["latestExecution"]["status"] for stage in world.pipelines.get_pipeline_state(name=name)["stageStates"]
    ]
    assert states == ["Succeeded", "Succeeded"]


def test_failed_machine_fails_the_action_with_its_error_and_a_retry_runs_only_that(world: World) -> None:
    name = world.create([machine("good"), machine("bad")])
    execution = world.first(name)
    assert world.end(name, execution) == "Failed"
    (failed,) = [each for each in world.actions(name, execution) if each["status"] == "Failed"]
    assert "BadError: because" in failed["output"]["executionResult"]["errorDetails"]["message"]
    retry = {"pipelineName": name, "stageName": "S1", "pipelineExecutionId": execution}
    world.pipelines.retry_stage_execution(**retry, retryMode="FAILED_ACTIONS")
    assert world.end(name, execution) == "Failed"
    assert [each["actionName"] for each in world.actions(name, execution)].count("good") == 1
    world.pipelines.retry_stage_execution(**retry, retryMode="ALL_ACTIONS")
    assert world.end(name, execution) == "Failed"
    names = [each["actionName"] for each in world.actions(name, execution)]
    assert (names.count("good"), names.count("bad")) == (2, 3)


def test_stage_that_has_not_failed_is_not_retried(world: World) -> None:
    name = world.create([machine("good")])
    execution = world.first(name)
    assert world.end(name, execution) == "Succeeded"
    with pytest.raises(ClientError, match="StageNotRetryableException"):
        world.pipelines.retry_stage_execution(
            pipelineName=name, stageName="S1", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
        )


def test_approval_is_given_once_and_names_its_person(world: World) -> None:
    name = world.create([APPROVE])
    execution = world.first(name)
    token = world.token(name, execution)
    with pytest.raises(ClientError, match="InvalidApprovalTokenException"):
        world.approve(name, str(uuid4()))
    allowed = {
        "Effect": "Allow",
        "Action": "codepipeline:PutApprovalResult",
        "Resource": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}/S1/Approve",
    }
    person = world.aws.create_role(f"approver-{name}", [allowed], account=ACCOUNT)
    other = world.aws.create_role(
        f"other-{name}", [{**allowed, "Resource": f"{allowed['Resource']}r"}], account=ACCOUNT
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        world.approve(name, token, role=other)
    world.approve(name, token, role=person)
    assert world.end(name, execution) == "Succeeded"
    assert world.actions(name, execution)[-1]["updatedBy"].endswith(f"approver-{name}/test")
    with pytest.raises(ClientError, match="ApprovalAlreadyCompletedException"):
        world.approve(name, token)


def test_rejection_fails_the_execution(world: World) -> None:
    name = world.create([APPROVE], [machine("good")])
    execution = world.first(name)
    world.approve(name, world.token(name, execution), "Rejected")
    assert world.end(name, execution) == "Failed"
    assert [each["actionName"] for each in world.actions(name, execution)] == ["Source", "Approve"]


def test_newer_execution_supersedes_the_one_that_waits(world: World) -> None:
    name = world.create([APPROVE])
    first = world.first(name)
    token = world.token(name, first)
    second = world.start(name)
    wait(
        lambda: world.actions(name, second),
        until=lambda found: bool(found and found[0]["status"] == "Succeeded"),
        timeout_s=30,
    )
    third = world.start(name)
    assert world.end(name, second) == "Superseded"
    world.approve(name, token)
    assert world.end(name, first) == "Succeeded"
    world.approve(name, world.token(name, third))
    assert world.end(name, third) == "Succeeded"


def test_queued_executions_go_one_after_the_other_and_parallel_ones_together(world: World) -> None:
    queued = world.create([APPROVE], mode="QUEUED")
    first, second = world.first(queued), world.start(queued)
    world.approve(queued, world.token(queued, first))
    assert world.end(queued, first) == "Succeeded"
    world.approve(queued, world.token(queued, second))
    assert world.end(queued, second) == "Succeeded"
    parallel = world.create([APPROVE], mode="PARALLEL")
    both = [world.first(parallel), world.start(parallel)]
    for token in [world.token(parallel, execution) for execution in both]:
        world.approve(parallel, token)
    assert [world.end(parallel, execution) for execution in both] == ["Succeeded", "Succeeded"]


def test_abandoned_execution_stops_and_a_disabled_transition_holds_the_next(world: World) -> None:
    name = world.create([APPROVE])
    execution = world.first(name)
    world.token(name, execution)
    stop = {"pipelineName": name, "pipelineExecutionId": execution, "reason": "a mistake"}
    world.pipelines.stop_pipeline_execution(**stop, abandon=True)
    assert world.end(name, execution) == "Stopped"
    with pytest.raises(ClientError, match="PipelineExecutionNotStoppableException"):
        world.pipelines.stop_pipeline_execution(**stop, abandon=True)
    transition = {"pipelineName": name, "stageName": "S1", "transitionType": "Inbound"}
    world.pipelines.disable_stage_transition(**transition, reason="frozen")
    held = world.start(name)
    state = wait(
        lambda: world.pipelines.get_pipeline_state(name=name)["stageStates"][1],
        until=lambda found: "inboundExecution" in found,
        timeout_s=30,
    )
    assert state["inboundExecution"]["pipelineExecutionId"] == held
    assert state["inboundTransitionState"]["disabledReason"] == "frozen"
    world.pipelines.enable_stage_transition(**transition)
    world.approve(name, world.token(name, held))
    assert world.end(name, held) == "Succeeded"


def test_actions_have_the_rights_of_the_pipelines_role_only(world: World) -> None:
    reads = {"Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"], "Resource": "*"}
    trusted = {"Service": "codepipeline.amazonaws.com"}
    role = world.aws.create_role(f"reads-{uuid4().hex[:6]}", [reads], trusted=trusted, account=ACCOUNT)
    name = world.create([machine("good")], role=role)
    execution = world.first(name)
    assert world.end(name, execution) == "Failed"
    denied = world.actions(name, execution)[-1]["output"]["executionResult"]["errorDetails"]
    assert denied["code"] == "PermissionError"
    assert "states:StartExecution" in denied["message"]
    foreign = world.aws.create_role(f"foreign-{uuid4().hex[:6]}", [reads], account=ACCOUNT)
    with pytest.raises(ClientError, match="not authorized to perform AssumeRole"):
        world.create([machine("good")], role=foreign)


def test_changed_pipeline_ends_what_is_under_way(world: World) -> None:
    name = world.create([APPROVE], [machine("good")])
    execution = world.first(name)
    token = world.token(name, execution)
    declaration = world.pipelines.get_pipeline(name=name)["pipeline"]
    declaration["stages"] = declaration["stages"][:2]
    assert world.pipelines.update_pipeline(pipeline=declaration)["pipeline"]["version"] == 2
    world.approve(name, token)
    assert world.end(name, execution) == "Failed"
    with pytest.raises(ClientError, match="was changed since"):
        world.pipelines.retry_stage_execution(
            pipelineName=name, stageName="S1", pipelineExecutionId=execution, retryMode="ALL_ACTIONS"
        )
