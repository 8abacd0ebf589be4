"""The map of a team's promotion state machine: it starts a step in each environment of a stage, and polls it."""

from infra.components.asl import EXECUTION, State, call, catch, choose, fail
from pipelines.interface.names import Environment

FIELDS = ("stage", "execution", "record_key")
"""Fields of the machine's input that each item gets."""


def stage_map(tooling: Environment, title: str, *, step: str, in_order: bool) -> State:
    """Return a map over ``$.place.environments`` without its ``Next``; its answers are at ``$.answers``.

    ``step`` is a path or a step's name. In order, it ends at the first failure. Else no item fails, so that none is
    stopped while its environment's release goes on: an answer's ``status`` is ``succeeded`` or ``failed``.
    """
    drive, ended, wait, done = (f"{title}: {what}" for what in ("drive", "ended?", "wait", "done"))
    failed, not_driven = f"{title}: failed", f"{title}: not driven"
    named = {"step.$": step} if step.startswith("$") else {"step": step}
    common = {f"{name}.$": f"$.{name}" for name in FIELDS}
    payload = {f"{name}.$": f"$.{name}" for name in ("step", "environment", "attempt", "approval")}
    answer: State = {"Type": "Pass", "InputPath": "$.answer", "End": True}
    kept = {"status": "failed", "environment.$": "$.environment", "cause.$": "$.failure.Cause"}
    return {
        "Type": "Map",
        "ItemsPath": "$.place.environments",
        "ItemSelector": {
            **common,
            **named,
            "environment.$": "$$.Map.Item.Value",
            "attempt.$": EXECUTION,
            "approval.$": "$.place.approval",
        },
        "MaxConcurrency": 1 if in_order else 0,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": drive,
            "States": {
                drive: call(
                    tooling,
                    "drive_promotion",
                    {**common, **payload},
                    then=ended,
                    catches=[catch(not_driven)],
                    keep="answer",
                ),
                ended: choose("$.answer.status", {"running": wait, "succeeded": done}, otherwise=failed),
                wait: {"Type": "Wait", "SecondsPath": "$.answer.wait_s", "Next": drive},
                done: answer,
                failed: {"Type": "Fail", "Error": "PromotionFailedError", "CausePath": "$.answer.cause"}
                if in_order
                else answer,
                not_driven: fail() if in_order else {"Type": "Pass", "Parameters": kept, "End": True},
            },
        },
        "ResultPath": "$.answers",
    }


def count_failures(*, then: str) -> State:
    """Return the state that says at ``$.count.any`` whether one of the answers failed."""
    found = {"any.$": "States.ArrayContains($.answers[*].status, 'failed')"}
    return {"Type": "Pass", "Parameters": found, "ResultPath": "$.count", "Next": then}


def gather_causes(error: str, cause: str, *, then: str) -> State:
    """Return the state that makes all answers' causes the failure; ``cause`` is an intrinsic function."""
    return {"Type": "Pass", "Parameters": {"Error": error, "Cause.$": cause}, "ResultPath": "$.failure", "Next": then}
