"""The reason for a failure, in the words of the job or function that failed."""

import json
from collections.abc import Mapping
from typing import Any

JOB_REASONS = ("ExitMessage", "FailureReason", "StatusMessage")
"""Where the description of a failed SageMaker job says why, the job's own words first."""


def reason_of(cause: Any) -> str:
    """What went wrong, in the words of the job or function that failed, from a state machine's cause.

    Examples
    --------
    >>> reason_of({"Error": "States.TaskFailed", "Cause": '{"FailureReason": "ValueError: no rows"}'})
    'ValueError: no rows'
    """
    if isinstance(cause, list):
        return "; ".join(map(str, cause))
    if isinstance(cause, Mapping):
        return _of_error(cause)
    return str(cause)


def _of_error(cause: Mapping[str, Any]) -> str:
    error, inner, described = str(cause.get("Error", "")), cause.get("Cause", ""), described_job(cause)
    if described is not None:
        for name in JOB_REASONS:
            if described.get(name):
                return str(described[name])
        if described.get("errorMessage"):
            return f"{described.get('errorType', error)}: {described['errorMessage']}"
        status = described.get("TrainingJobStatus") or described.get("ProcessingJobStatus")
        if status:
            return f"the job ended as {status}"
    return f"{error}: {inner}" if inner else error


def described_job(cause: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The description of a job, or of a function's error, that Step Functions gives as a cause's text."""
    try:
        described = json.loads(cause.get("Cause", ""))
    except (TypeError, ValueError):
        return None
    return described if isinstance(described, Mapping) else None
