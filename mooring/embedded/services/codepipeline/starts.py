"""Start, retry, stop and approve executions."""

import json
import logging

from mooring.embedded import identity
from mooring.embedded.services.codepipeline import events, store
from mooring.embedded.services.codepipeline.errors import CodePipelineError, invalid, missing
from mooring.embedded.services.codepipeline.runs import in_background, run
from mooring.embedded.services.codepipeline.store import RUNNING, ActionRun, Execution, Pipeline, Record, now

log = logging.getLogger("mooring.codepipeline")
SERVICE_ACTOR = "codepipeline.amazonaws.com"


def start(request: Record) -> Record:
    """Answer StartPipelineExecution."""
    pipeline = store.pipeline(request["name"])
    trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": identity.principal_arn()}
    return {"pipelineExecutionId": begin(pipeline, request, trigger).id}


def begin(pipeline: Pipeline, request: Record, trigger: Record) -> Execution:
    """Start an execution; the same client token starts one only."""
    declared = {each["name"]: each.get("defaultValue") for each in pipeline.declaration.get("variables", [])}
    given = {each["name"]: each["value"] for each in request.get("variables", [])}
    if unknown := sorted(given.keys() - declared.keys()):
        raise invalid(f"the pipeline {pipeline.name} declares no variable {', '.join(unknown)}")
    values = {**{name: value for name, value in declared.items() if value is not None}, **given}
    if lacking := sorted(declared.keys() - values.keys()):
        raise invalid(f"the variable {', '.join(lacking)} has neither a value nor a default")
    overrides = {each["actionName"]: each for each in request.get("sourceRevisions", [])}
    first = pipeline.declaration["stages"][0]
    if foreign := sorted(overrides.keys() - {action["name"] for action in first["actions"]}):
        raise invalid(f"the pipeline {pipeline.name} has no source action {', '.join(foreign)}")
    token = request.get("clientRequestToken")
    with pipeline.changed:
        if token in pipeline.tokens:
            return pipeline.executions[pipeline.tokens[token]]
        execution = Execution(
            id=store.new_id(),
            pipeline=pipeline,
            declaration=pipeline.declaration,
            number=pipeline.declaration["version"],
            trigger=trigger,
            variables=values,
            overrides=overrides,
            started=now(),
            updated=now(),
        )
        pipeline.executions[execution.id] = execution
        if token:
            pipeline.tokens[token] = execution.id
    events.pipeline_changed(execution)
    _run(execution, first["name"], frozenset())
    return execution


def _run(execution: Execution, stage: str, kept: frozenset[str]) -> None:
    # The execution acts under the pipeline's role, not for whoever started it.
    with identity.acting_as(execution.declaration["roleArn"]):
        in_background(run, execution, stage, kept)


def exists(arn: str) -> bool:
    found = store.pipelines().get(arn.rpartition(":")[2])
    return found is not None and found.arn == arn


def by_event(arn: str, rule_arn: str, payload: str) -> None:
    """Start the pipeline that a rule targets; the payload may have ``sourceRevisions`` and ``variables``."""
    document = json.loads(payload)
    asked = {name: document[name] for name in ("sourceRevisions", "variables") if name in document}
    trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": rule_arn}
    try:
        begin(store.by_arn(arn), asked, trigger)
    except CodePipelineError as error:
        log.warning("%s does not start %s: %s", rule_arn, arn, error)
        raise


def retry(request: Record) -> Record:
    """Answer RetryStageExecution: run a failed stage of an execution again, and what follows it."""
    pipeline = store.pipeline(request["pipelineName"])
    stage, execution = pipeline.stage(request["stageName"]), pipeline.execution(request["pipelineExecutionId"])
    name = stage["name"]
    with pipeline.changed:
        parallel = execution.mode == "PARALLEL"
        if not parallel and pipeline.inside.get(name) is not execution:
            raise CodePipelineError("NotLatestPipelineExecutionException", f"{execution.id} is not the last in {name}")
        if execution.stages.get(name) not in ("Failed", "Stopped") or execution.status in RUNNING:
            raise CodePipelineError("StageNotRetryableException", f"the stage {name} has not failed in {execution.id}")
        if not parallel and execution.number != pipeline.declaration["version"]:
            raise CodePipelineError("StageNotRetryableException", "the pipeline was changed since the execution")
        kept = succeeded(execution, name) if request["retryMode"] == "FAILED_ACTIONS" else frozenset()
        execution.status, execution.summary, execution.abandoned = "InProgress", "", False
        execution.updated = now()
    events.pipeline_changed(execution, "RESUMED")
    _run(execution, name, kept)
    return {"pipelineExecutionId": execution.id}


def succeeded(execution: Execution, stage: str) -> frozenset[str]:
    """Return the names of a stage's actions whose last run succeeded."""
    last = {each.action["name"]: each.status for each in execution.actions if each.stage == stage}
    return frozenset(name for name, status in last.items() if status == "Succeeded")


def stop(request: Record) -> Record:
    """Answer StopPipelineExecution: actions under way end, or with ``abandon`` are left behind."""
    pipeline = store.pipeline(request["pipelineName"])
    execution = pipeline.execution(request["pipelineExecutionId"])
    with pipeline.changed:
        abandon = bool(request.get("abandon"))
        if execution.status == "Stopping" and (execution.abandoned or not abandon):
            raise CodePipelineError("DuplicatedStopRequestException", f"{execution.id} is being stopped already")
        if execution.status not in RUNNING:
            raise CodePipelineError("PipelineExecutionNotStoppableException", f"{execution.id} is {execution.status}")
        execution.status, execution.stop_reason = "Stopping", request.get("reason", "")
        execution.abandoned, execution.updated = abandon, now()
        pipeline.changed.notify_all()
    events.pipeline_changed(execution)
    return {"pipelineExecutionId": execution.id}


def approve(request: Record) -> Record:
    """Answer PutApprovalResult. The token is that of GetPipelineState, which is also the external execution id."""
    pipeline = store.pipeline(request["pipelineName"])
    stage = pipeline.stage(request["stageName"])
    if request["actionName"] not in [action["name"] for action in stage["actions"]]:
        raise missing("Action")
    with pipeline.changed:
        action = _waiting(pipeline, request)
        action.summary, action.updated_by = request["result"]["summary"], identity.principal_arn()
        if request["result"]["status"] == "Rejected":
            action.status = "Failed"
        action.updated = now()
        action.closed.set()
    return {"approvedAt": action.updated}


def _waiting(pipeline: Pipeline, request: Record) -> ActionRun:
    place = (request["stageName"], request["actionName"])
    for execution in pipeline.executions.values():
        for action in execution.actions:
            if action.id == request["token"] and (action.stage, action.action["name"]) == place:
                if action.closed.is_set():
                    raise CodePipelineError("ApprovalAlreadyCompletedException", "the approval was given already")
                return action
    raise CodePipelineError("InvalidApprovalTokenException", "no approval waits for this token")


def set_transition(request: Record, *, enabled: bool) -> Record:
    """Answer EnableStageTransition and DisableStageTransition, of inbound transitions."""
    pipeline = store.pipeline(request["pipelineName"])
    name = pipeline.stage(request["stageName"])["name"]
    if request["transitionType"] != "Inbound":
        raise invalid("the embedded AWS supports inbound transitions only")
    if pipeline.declaration["executionMode"] == "PARALLEL":
        raise invalid("a pipeline of parallel executions has no transitions")
    with pipeline.changed:
        if enabled:
            pipeline.disabled.pop(name, None)
        else:
            pipeline.disabled[name] = {
                "reason": request.get("reason", ""),
                "by": identity.principal_arn(),
                "at": now(),
            }
        pipeline.changed.notify_all()
    return {}
