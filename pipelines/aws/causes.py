"""Finds the reason of a failure in what Step Functions says of it."""

import json
from collections.abc import Mapping

from pipelines.interface import quotas

JOB_REASONS = ("ExitMessage", "FailureReason", "StatusMessage")
"""Fields of a failed SageMaker job's description with the reason, the most specific first."""


def reason_of(cause: object) -> str:
    """Return the reason that a state machine's cause holds, in the words of the job or function that failed.

    Examples
    --------
    >>> reason_of({"Error": "States.TaskFailed", "Cause": '{"FailureReason": "ValueError: no rows"}'})
    'ValueError: no rows'
    """
    if isinstance(cause, list | tuple):
        return "; ".join(map(str, cause))
    if isinstance(cause, Mapping):
        return _reason_of_error(cause)
    return str(cause)


def described_job(cause: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the job's description or the function's error that a cause holds as JSON text; None if it holds none."""
    try:
        described = json.loads(str(cause.get("Cause", "")))
    except ValueError:
        return None
    return described if isinstance(described, dict) else None


def _reason_of_error(cause: Mapping[str, object]) -> str:
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
    reason = f"{error}: {inner}" if inner else error
    if refusal := quotas.refusal_in(reason):
        return f"{reason} Raise the quota: {quotas.how_to_raise(refusal.name, refusal.needed)}"
    return reason
