"""Emit CodeBuild's events on the account's default bus, in the form that AWS documents."""

import json
from datetime import datetime

from mooring.embedded import events
from mooring.embedded.services.codebuild.store import Record

_SOURCE = "aws.codebuild"


def state_changed(build: Record) -> None:
    """Emit that a build has started or ended."""
    detail = {
        "build-status": build["buildStatus"],
        "current-phase": build["currentPhase"],
        "current-phase-context": "[]",
        **_common(build),
    }
    events.emit(_SOURCE, "CodeBuild Build State Change", build["arn"], json.dumps(detail))


def phase_changed(build: Record, phase: Record) -> None:
    """Emit that a phase of a build has ended."""
    detail = {
        "completed-phase": phase["phaseType"],
        "completed-phase-status": phase["phaseStatus"],
        "completed-phase-context": _context(phase),
        "completed-phase-duration-seconds": phase["durationInSeconds"],
        "completed-phase-start": _time(phase["startTime"]),
        "completed-phase-end": _time(phase["endTime"]),
        **_common(build),
    }
    events.emit(_SOURCE, "CodeBuild Build Phase Change", build["arn"], json.dumps(detail))


def _common(build: Record) -> Record:
    environment, source, logs = build["environment"], build["source"], build["logs"]
    return {
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "version": "1",
        "additional-information": {
            "artifact": {name: value for name, value in build["artifacts"].items() if isinstance(value, str)},
            "cache": build["cache"],
            "environment": {
                "image": environment["image"],
                "privileged-mode": False,
                "compute-type": environment["computeType"],
                "type": environment["type"],
                "environment-variables": environment["environmentVariables"],
            },
            "exported-environment-variables": build["exportedEnvironmentVariables"],
            "timeout-in-minutes": build["timeoutInMinutes"],
            "queued-timeout-in-minutes": build["queuedTimeoutInMinutes"],
            "build-complete": build["buildComplete"],
            "build-number": build["buildNumber"],
            "initiator": build["initiator"],
            "build-start-time": _time(build["startTime"]),
            "source": {name: source[name] for name in ("location", "type") if name in source},
            "source-version": build.get("sourceVersion", ""),
            "logs": {
                "group-name": logs.get("groupName"),
                "stream-name": logs.get("streamName"),
                "deep-link": logs.get("deepLink"),
            },
            "phases": [_phase(phase) for phase in build["phases"]],
        },
    }


def _phase(phase: Record) -> Record:
    ended = (
        {
            "phase-context": [_context(phase)],
            "phase-status": phase["phaseStatus"],
            "end-time": _time(phase["endTime"]),
            "duration-in-seconds": phase["durationInSeconds"],
        }
        if "endTime" in phase
        else {}
    )
    return {"phase-type": phase["phaseType"], "start-time": _time(phase["startTime"]), **ended}


def _context(phase: Record) -> str:
    contexts = [f"{context['statusCode']}: {context['message']}" for context in phase["contexts"]]
    return f"[{', '.join(contexts)}]"


def _time(moment: datetime) -> str:
    # AWS writes "Sep 1, 2017 4:12:29 PM".
    return f"{moment:%b} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
