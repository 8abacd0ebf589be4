"""Take an execution through its stages: locks of stages, conditions, actions by their order, retries and stops.

Every execution has a thread of its own. What it changes is changed under the pipeline's ``changed``.
"""

import contextvars
import logging
import threading
from collections.abc import Callable, Iterable
from itertools import groupby

from mooring.embedded.services.codepipeline import events
from mooring.embedded.services.codepipeline.actions import AbandonedError, ActionFailedError, perform
from mooring.embedded.services.codepipeline.store import RUNNING, ActionRun, Execution, Record, RuleRun, new_id, now
from mooring.embedded.services.codepipeline.variables import UnresolvedError, holds, resolve

log = logging.getLogger("mooring.codepipeline")


def in_background(act: Callable[..., None], *arguments: object) -> threading.Thread:
    """Start ``act`` in a thread with the account and region of this one, which acts for itself."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(act, *arguments), daemon=True)
    thread.start()
    return thread


def run(execution: Execution, from_stage: str, kept: frozenset[str] = frozenset()) -> None:
    """Run the execution from a stage on; ``kept`` are the actions of that stage that have succeeded before."""
    try:
        stages = execution.declaration["stages"]
        names = [stage["name"] for stage in stages]
        for stage in stages[names.index(from_stage) :]:
            if not _run_stage(execution, stage, kept if stage["name"] == from_stage else frozenset()):
                return
        _end(execution, "Succeeded")
    except Exception as error:
        log.exception("the execution %s of %s died", execution.id, execution.pipeline.name)
        for name, status in list(execution.stages.items()):
            if status in RUNNING:
                _leave(execution, name, "Failed")
        _end(execution, "Failed", f"the embedded AWS failed: {error}")


def _run_stage(execution: Execution, stage: Record, kept: frozenset[str]) -> bool:
    """Run one stage; return whether the execution goes on."""
    name = stage["name"]
    if not _enter(execution, name):
        return False
    entered = "InProgress" if kept else _check_entry(execution, stage)
    if entered != "InProgress":
        _leave(execution, name, entered)
        if entered == "Failed":
            _end(execution, "Failed", f"a condition before the entry of {name} does not hold")
        return entered == "Skipped"
    ordered = sorted(
        (each for each in stage["actions"] if each["name"] not in kept), key=lambda each: int(each["runOrder"])
    )
    for _, group in groupby(ordered, key=lambda each: int(each["runOrder"])):
        failed = _run_group(execution, name, group)
        if execution.status == "Stopping":
            _leave(execution, name, "Stopped")
            _end(execution, "Stopped", execution.stop_reason)
            return False
        if failed or _is_outdated(execution):
            _leave(execution, name, "Failed")
            _end(execution, "Failed", "" if failed else "the pipeline was changed during the execution")
            return False
    _leave(execution, name, "Succeeded")
    return True


def _is_outdated(execution: Execution) -> bool:
    """Return whether the pipeline has another structure now; parallel executions keep theirs."""
    return execution.mode != "PARALLEL" and execution.number != execution.pipeline.declaration["version"]


def _enter(execution: Execution, stage: str) -> bool:
    """Wait for the stage, and take it; return False if the execution ends before."""
    pipeline = execution.pipeline
    with pipeline.changed:
        if execution.mode != "PARALLEL":
            waiting = pipeline.waiting.setdefault(stage, [])
            if execution.mode == "SUPERSEDED":
                for other in waiting:
                    other.status = "Superseded"
            waiting.append(execution)
            pipeline.changed.notify_all()
            pipeline.changed.wait_for(lambda: execution.status != "InProgress" or _is_free(execution, stage))
            waiting.remove(execution)
            if execution.status == "InProgress":
                pipeline.inside[stage] = execution
        if execution.status == "InProgress":
            execution.stages[stage] = "InProgress"
            execution.stages.move_to_end(stage)
    if execution.status == "Superseded":
        _end(execution, "Superseded")
        return False
    if execution.status == "Stopping":
        _end(execution, "Stopped", execution.stop_reason)
        return False
    events.stage_changed(execution, stage)
    return True


def _is_free(execution: Execution, stage: str) -> bool:
    pipeline = execution.pipeline
    inside = pipeline.inside.get(stage)
    busy = inside is not None and inside.stages.get(stage) in RUNNING
    return not busy and stage not in pipeline.disabled and pipeline.waiting[stage][0] is execution


def _leave(execution: Execution, stage: str, status: str) -> None:
    with execution.pipeline.changed:
        execution.stages[stage] = status
        execution.updated = now()
        execution.pipeline.changed.notify_all()
    events.stage_changed(execution, stage)


def _end(execution: Execution, status: str, summary: str = "") -> None:
    with execution.pipeline.changed:
        execution.status, execution.summary, execution.updated = status, summary, now()
        execution.pipeline.changed.notify_all()
    events.pipeline_changed(execution)


def _check_entry(execution: Execution, stage: Record) -> str:
    """Evaluate the stage's conditions; return the stage's status."""
    for condition in stage.get("beforeEntry", {}).get("conditions", []):
        results = [_check(execution, stage["name"], rule) for rule in condition["rules"]]
        if not all(results):
            return "Skipped" if condition["result"] == "SKIP" else "Failed"
    return "InProgress"


def _check(execution: Execution, stage: str, rule: Record) -> bool:
    resolved: Record = {}
    try:
        resolved = resolve(rule["configuration"], execution)
        held, summary = holds(resolved), "the variable was checked"
    except UnresolvedError as error:
        held, summary = False, str(error)
    status = "Succeeded" if held else "Failed"
    found = RuleRun(id=new_id(), stage=stage, rule=rule, at=now(), status=status, resolved=resolved, summary=summary)
    with execution.pipeline.changed:
        execution.rules.append(found)
    return held


def _run_group(execution: Execution, stage: str, group: Iterable[Record]) -> bool:
    """Run actions at the same time; return whether one of them failed."""
    started = [ActionRun(id=new_id(), stage=stage, action=each, started=now(), updated=now()) for each in group]
    with execution.pipeline.changed:
        execution.actions += started
    threads = [in_background(_run_action, execution, each) for each in started]
    for thread in threads:
        thread.join()
    return any(each.status == "Failed" for each in started)


def _run_action(execution: Execution, action: ActionRun) -> None:
    events.action_changed(execution, action)
    status = "Succeeded"
    try:
        action.resolved = resolve(action.action["configuration"], execution)
        action.inputs = [
            {
                "name": each["name"],
                "s3location": {part: execution.artifacts[each["name"]][part] for part in ("bucket", "key")},
            }
            for each in action.action["inputArtifacts"]
        ]
        perform(execution, action)
    except AbandonedError:
        status = "Abandoned"
    except (ActionFailedError, UnresolvedError) as error:
        status, action.summary = "Failed", action.summary or str(error)
        action.error = {"code": getattr(error, "code", "ConfigurationError"), "message": str(error)}
    except Exception as error:
        log.exception("the action %s of %s died", action.action["name"], execution.pipeline.name)
        status, action.summary = "Failed", str(error)
        action.error = {"code": "JobFailed", "message": f"the embedded AWS failed: {error}"}
    with execution.pipeline.changed:
        action.status, action.updated = status, now()
        if status == "Succeeded" and "namespace" in action.action:
            execution.namespaces[action.action["namespace"]] = action.variables
        action.closed.set()
        execution.pipeline.changed.notify_all()
    events.action_changed(execution, action)
