"""Answers about pipelines and executions."""

from mooring.embedded.services.codepipeline import store
from mooring.embedded.services.codepipeline.store import ActionRun, Execution, Pipeline, Record, RuleRun


def get(request: Record) -> Record:
    pipeline = store.pipeline(request["name"])
    return (
        {"pipeline": pipeline.versions[request["version"]], "metadata": _metadata(pipeline)}
        if request.get("version") in pipeline.versions
        else {"pipeline": pipeline.declaration, "metadata": _metadata(pipeline)}
    )


def _metadata(pipeline: Pipeline) -> Record:
    return {"pipelineArn": pipeline.arn, "created": pipeline.created, "updated": pipeline.updated}


def list_pipelines(request: Record) -> Record:
    listed = [
        {
            "name": each.name,
            "version": each.declaration["version"],
            "pipelineType": each.declaration["pipelineType"],
            "executionMode": each.declaration["executionMode"],
            "created": each.created,
            "updated": each.updated,
        }
        for each in store.pipelines().values()
    ]
    found, more = store.page(listed, request)
    return {"pipelines": found, **more}


def execution(request: Record) -> Record:
    pipeline = store.pipeline(request["pipelineName"])
    found = pipeline.execution(request["pipelineExecutionId"])
    with pipeline.changed:
        return {
            "pipelineExecution": {
                "pipelineName": pipeline.name,
                "pipelineVersion": found.number,
                "pipelineExecutionId": found.id,
                "status": found.status,
                "statusSummary": found.summary,
                "artifactRevisions": [
                    {"name": name, "revisionId": place["revision"]}
                    for name, place in found.artifacts.items()
                    if "revision" in place
                ],
                "variables": [{"name": name, "resolvedValue": value} for name, value in found.variables.items()],
                "trigger": found.trigger,
                "executionMode": found.mode,
                "executionType": "STANDARD",
            }
        }


def list_executions(request: Record) -> Record:
    pipeline = store.pipeline(request["pipelineName"])
    with pipeline.changed:
        listed = [_summary(each) for each in reversed(pipeline.executions.values())]
    found, more = store.page(listed, request)
    return {"pipelineExecutionSummaries": found, **more}


def _summary(found: Execution) -> Record:
    return {
        "pipelineExecutionId": found.id,
        "status": found.status,
        "statusSummary": found.summary,
        "startTime": found.started,
        "lastUpdateTime": found.updated,
        "sourceRevisions": list(found.revisions),
        "trigger": found.trigger,
        "executionMode": found.mode,
        "executionType": "STANDARD",
        **({"stopTrigger": {"reason": found.stop_reason}} if found.stop_reason else {}),
    }


def list_actions(request: Record) -> Record:
    listed = [
        _action(execution, action)
        for execution in _chosen(request)
        for action in sorted(execution.actions, key=lambda each: each.started, reverse=True)
    ]
    found, more = store.page(listed, request)
    return {"actionExecutionDetails": found, **more}


def list_rules(request: Record) -> Record:
    listed = [_rule(execution, rule) for execution in _chosen(request) for rule in reversed(execution.rules)]
    found, more = store.page(listed, request)
    return {"ruleExecutionDetails": found, **more}


def _chosen(request: Record) -> list[Execution]:
    pipeline = store.pipeline(request["pipelineName"])
    if chosen := request.get("filter", {}).get("pipelineExecutionId"):
        return [pipeline.execution(chosen)]
    return list(reversed(pipeline.executions.values()))


def _action(execution: Execution, run: ActionRun) -> Record:
    action = run.action
    result = {
        "externalExecutionId": run.external_id,
        "externalExecutionSummary": run.summary,
        **({"errorDetails": run.error} if run.error else {}),
    }
    return {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": run.id,
        "pipelineVersion": execution.number,
        "stageName": run.stage,
        "actionName": action["name"],
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        **({"updatedBy": run.updated_by} if run.updated_by else {}),
        "status": run.status,
        "input": {
            "actionTypeId": action["actionTypeId"],
            "configuration": action["configuration"],
            "resolvedConfiguration": run.resolved,
            "inputArtifacts": run.inputs,
            **{name: action[name] for name in ("roleArn", "namespace") if name in action},
        },
        "output": {"outputArtifacts": run.outputs, "executionResult": result, "outputVariables": run.variables},
    }


def _rule(execution: Execution, run: RuleRun) -> Record:
    return {
        "pipelineExecutionId": execution.id,
        "ruleExecutionId": run.id,
        "pipelineVersion": execution.number,
        "stageName": run.stage,
        "ruleName": run.rule["name"],
        "startTime": run.at,
        "lastUpdateTime": run.at,
        "status": run.status,
        "input": {
            "ruleTypeId": run.rule["ruleTypeId"],
            "configuration": run.rule["configuration"],
            "resolvedConfiguration": run.resolved,
        },
        "output": {"executionResult": {"externalExecutionSummary": run.summary}},
    }


def state(request: Record) -> Record:
    pipeline = store.pipeline(request["name"])
    with pipeline.changed:
        return {
            "pipelineName": pipeline.name,
            "pipelineVersion": pipeline.declaration["version"],
            "stageStates": [_stage(pipeline, stage) for stage in pipeline.declaration["stages"]],
            "created": pipeline.created,
            "updated": pipeline.updated,
        }


def _stage(pipeline: Pipeline, stage: Record) -> Record:
    name = stage["name"]
    entered = [each for each in pipeline.executions.values() if name in each.stages]
    latest = entered[-1] if entered else None
    disabled = pipeline.disabled.get(name)
    transition: Record = {"enabled": disabled is None}
    if disabled:
        transition |= {
            "disabledReason": disabled["reason"],
            "lastChangedBy": disabled["by"],
            "lastChangedAt": disabled["at"],
        }
    found: Record = {
        "stageName": name,
        "inboundTransitionState": transition,
        "actionStates": [_action_state(latest, name, action) for action in stage["actions"]],
    }
    if waiting := pipeline.waiting.get(name):
        found["inboundExecutions"] = [{"pipelineExecutionId": each.id, "status": each.status} for each in waiting]
        found["inboundExecution"] = found["inboundExecutions"][-1]
    if latest:
        found["latestExecution"] = {"pipelineExecutionId": latest.id, "status": latest.stages[name]}
    return found


def _action_state(latest: Execution | None, stage: str, action: Record) -> Record:
    place = (stage, action["name"])
    runs = [each for each in latest.actions if (each.stage, each.action["name"]) == place] if latest else []
    if not runs or latest is None:
        return {"actionName": action["name"]}
    run = runs[-1]
    # Of a pipeline of parallel executions, the token is the external id that ListActionExecutions tells.
    waits = action["actionTypeId"]["provider"] == "Manual" and run.status == "InProgress" and latest.mode != "PARALLEL"
    return {
        "actionName": action["name"],
        "latestExecution": {
            "actionExecutionId": run.id,
            "status": run.status,
            "summary": run.summary,
            "lastStatusChange": run.updated,
            **({"token": run.id} if waits else {}),
            **({"lastUpdatedBy": run.updated_by} if run.updated_by else {}),
            **({"externalExecutionId": run.external_id} if run.external_id else {}),
            **({"errorDetails": run.error} if run.error else {}),
        },
    }
