"""Run schedules faster than on AWS, for demonstrations and tests; fill in Scheduler's context attributes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, scheduler

from mooring.embedded.repairs.patching import replace

TICK_S = 1.0
"""Seconds between two searches for due schedules; MiniStack's own value is 10."""


def apply(*, speed: float) -> None:
    """Make ``rate(1 hour)`` fire every 3600 / ``speed`` seconds, for EventBridge rules and Scheduler's schedules.

    ``cron`` and ``at`` expressions follow the wall clock.
    """
    replace(eventbridge, "_SCHEDULER_TICK_INTERVAL", lambda _original: TICK_S)
    replace(scheduler, "_SCHEDULE_TICK_INTERVAL", lambda _original: TICK_S)

    def wrap(original: Callable[[str], int | None]) -> Callable[[str], float | None]:
        def parse_rate_seconds(expression: str) -> float | None:
            seconds = original(expression)
            return None if seconds is None else seconds / speed

        return parse_rate_seconds

    replace(eventbridge, "_parse_rate_seconds", wrap)
    replace(eventbridge, "_invoke_target", _with_context)


def _with_context(original: Callable[..., Any]) -> Callable[..., Any]:
    """Replace Scheduler's context attributes in a target's input; MiniStack leaves the placeholders in it."""

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> Any:
        if event.get("Source") == "aws.scheduler" and "Input" in target:
            filled = str(target["Input"])
            for name, value in {
                "schedule-arn": event["Resources"][0],
                "scheduled-time": datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "execution-id": event["EventId"],
                "attempt-number": "1",
            }.items():
                filled = filled.replace(f"<aws.scheduler.{name}>", value)
            target = {**target, "Input": filled}
        return original(target, event, rule, view)

    return invoke_target
