"""The state of an execution's stages, as a function of what CodePipeline lists of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pipelines.aws.client import Answer
from pipelines.interface.times import format_time

IN_PROGRESS, SUCCEEDED, FAILED, ABANDONED = "InProgress", "Succeeded", "Failed", "Abandoned"
ENDED_BY_STOP = ("Stopped", "Stopping")
ENDED_BY_ANOTHER = ("Superseded", "Cancelled")
"""Cancelled is an execution that waited when its pipeline was changed."""


class StageState(StrEnum):
    PENDING = "pending"
    WAITING = "waiting for approval"
    RUNNING = "running"
    RELEASED = "released"
    FAILED = "failed"
    RETURNED = "returned"
    """Released, and taken back in every region because one failed."""
    SKIPPED = "skipped"
    """Not one of the stages that were asked for."""
    SUPERSEDED = "superseded"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class DeclaredStage:
    """A stage of the deployed pipeline, with its actions' names."""

    name: str
    actions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """The state of one stage since a time; ``action`` is what waits, runs or failed there.

    ``cause`` and ``remedy`` are of a failure, ``approver`` says who must approve.
    """

    stage: str
    state: StageState
    since: str = ""
    action: str = ""
    cause: str = ""
    remedy: str = ""
    approver: str = ""


def progress_of(
    declared: Sequence[DeclaredStage], status: str, actions: Sequence[Answer], rules: Sequence[Answer]
) -> list[StageProgress]:
    """Return the progress of each declared stage; ``status`` is the execution's, the rest what CodePipeline lists."""
    found = [_progress(stage, status, actions, rules) for stage in declared]
    if status in (*ENDED_BY_STOP, *ENDED_BY_ANOTHER) and not any(_is_end(each.state) for each in found):
        # It ended between two stages, so no stage says so yet.
        state = StageState.STOPPED if status in ENDED_BY_STOP else StageState.SUPERSEDED
        place = next((number for number, each in enumerate(found) if each.state == StageState.PENDING), None)
        if place is not None:
            found[place] = replace(found[place], state=state)
    return found


def newest_failure(stage: str, actions: Sequence[Answer]) -> Answer | None:
    """Return the action of a stage that failed last, unless a retry has repaired it."""
    failed = [each for each in _newest_by_name(stage, actions) if each["status"] in (FAILED, ABANDONED)]
    return failed[-1] if failed else None


def waiting_action(stage: str, actions: Sequence[Answer]) -> Answer | None:
    """Return the approval action of a stage that waits for a person."""
    waiting = (each for each in _of(stage, actions) if each["status"] == IN_PROGRESS and is_approval(each))
    return next(waiting, None)


def is_approval(action: Answer) -> bool:
    return bool(action.get("input", {}).get("actionTypeId", {}).get("category") == "Approval")


def _progress(
    declared: DeclaredStage, status: str, actions: Sequence[Answer], rules: Sequence[Answer]
) -> StageProgress:
    stage, own = declared.name, _of(declared.name, actions)
    if not own:
        skipped = status == SUCCEEDED or any(each["status"] == FAILED for each in _of(stage, rules)[-1:])
        return StageProgress(stage=stage, state=StageState.SKIPPED if skipped else StageState.PENDING)
    last = own[-1]
    under_way = [each for each in own if each["status"] == IN_PROGRESS]
    failed = newest_failure(stage, own)
    succeeded = {each["actionName"] for each in _newest_by_name(stage, own) if each["status"] == SUCCEEDED}
    state = StageState.RUNNING
    if under_way:
        last = under_way[0]
        if status in ENDED_BY_STOP:
            state = StageState.STOPPED
        elif all(is_approval(each) for each in under_way):
            state = StageState.WAITING
    elif failed and not (status == IN_PROGRESS and last["status"] == SUCCEEDED):
        # Else a retry of all actions goes on, and has not come to the one that failed.
        last = failed
        state = StageState.STOPPED if failed["status"] == ABANDONED else StageState.FAILED
    elif status == SUCCEEDED or succeeded >= set(declared.actions):
        state = StageState.RELEASED
    elif status in ENDED_BY_STOP:
        state = StageState.STOPPED
    elif status in ENDED_BY_ANOTHER:
        state = StageState.SUPERSEDED
    return StageProgress(stage=stage, state=state, since=_since(state, last), action=last["actionName"])


def _since(state: StageState, action: Answer) -> str:
    began = state in (StageState.WAITING, StageState.RUNNING)
    return format_time(action["startTime"] if began else action["lastUpdateTime"])


def _is_end(state: StageState) -> bool:
    return state in (StageState.FAILED, StageState.STOPPED, StageState.SUPERSEDED)


def _newest_by_name(stage: str, actions: Sequence[Answer]) -> list[Answer]:
    newest = {each["actionName"]: each for each in _of(stage, actions)}
    return sorted(newest.values(), key=lambda each: each["startTime"])


def _of(stage: str, listed: Sequence[Answer]) -> list[Answer]:
    """Return a stage's actions or rules, oldest first."""
    return sorted((each for each in listed if each["stageName"] == stage), key=lambda each: each["startTime"])
