"""Emit CodePipeline's events on the account's default bus, in the form that AWS documents."""

import json

from mooring.embedded import events
from mooring.embedded.services.codepipeline.store import ActionRun, Execution, Record

_STATES = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Stopping": "STOPPING",
    "Stopped": "STOPPED",
    "Superseded": "SUPERSEDED",
    "Abandoned": "ABANDONED",
    "Skipped": "SKIPPED",
}


def pipeline_changed(execution: Execution, state: str = "") -> None:
    detail = {"state": state or _STATES[execution.status], "execution-trigger": _trigger(execution)}
    _emit("Pipeline", execution, detail)


def stage_changed(execution: Execution, stage: str, state: str = "") -> None:
    _emit("Stage", execution, {"stage": stage, "state": state or _STATES[execution.stages[stage]]})


def action_changed(execution: Execution, run: ActionRun) -> None:
    kind = run.action["actionTypeId"]
    detail: Record = {
        "stage": run.stage,
        "action": run.action["name"],
        "action-execution-id": run.id,
        "state": _STATES[run.status],
        "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
    }
    if run.external_id or run.error:
        detail["execution-result"] = {
            "external-execution-id": run.external_id,
            "external-execution-url": run.external_url,
            "external-execution-summary": run.summary,
            **({"error-code": run.error["code"]} if run.error else {}),
        }
    _emit("Action", execution, detail)


def _trigger(execution: Execution) -> Record:
    return {"trigger-type": execution.trigger["triggerType"], "trigger-detail": execution.trigger["triggerDetail"]}


def _emit(what: str, execution: Execution, detail: Record) -> None:
    pipeline = execution.pipeline
    common = {"pipeline": pipeline.name, "execution-id": execution.id, "version": float(execution.number)}
    events.emit(
        "aws.codepipeline",
        f"CodePipeline {what} Execution State Change",
        pipeline.arn,
        json.dumps({**common, **detail}),
    )
