"""The end of a run, however it ends: recorded, told, and the lease freed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.clients import Services
from pipelines.contract import events
from pipelines.contract import ledger as keys
from pipelines.moments import written
from pipelines.notices import alert, emit
from pipelines.retraining import lease

JOB_REASONS = ("ExitMessage", "FailureReason", "StatusMessage")
"""Where the description of a failed SageMaker job says why, the job's own words first."""


def finish_run(event: Mapping[str, Any], services: Services) -> None:
    """Record a run's outcome, emit ``Run Finished``, alert on failure, free the lease; the second time do nothing.

    ``event`` is the flow's own (model, lease, execution, outcome, cause, package_arn) or, of an execution that ended
    without one of these, ``{"execution", "status"}``.
    """
    ledger, execution = services.ledger, event["execution"]
    known = ledger.get(keys.execution_pk(execution), keys.EXECUTION)
    model = event.get("model") or (known and known["model"])
    if not model:
        return  # It ended before it had taken a lease: there is nothing to free, and nothing was begun.
    pk = keys.model_pk(model)
    record = ledger.get(pk, keys.run_sk(known["run_id"])) if known else None
    lease.free(services, model, execution)
    if record and record.get("outcome"):
        return
    outcome = event.get("outcome", "failed")
    cause = reason_of(event["cause"]) if event.get("cause") else event.get("status", "")
    run_id = known["run_id"] if known else "none"
    if known:
        values = {"cause": cause, "package_arn": event.get("package_arn"), "ended": written(datetime.now(UTC))}
        ledger.update(pk, keys.run_sk(run_id), {"outcome": outcome, **values})
    detail = {"model": model, "run_id": run_id, "outcome": outcome, "cause": cause}
    emit(services, events.RUN_FINISHED, {**detail, "package_arn": event.get("package_arn")})
    if outcome == "failed":
        message = f"{cause}\n\nExecution: {execution}\nThe champion keeps serving."
        alert(services, f"{services.environment.id} {model}: retraining failed", message)


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
    error, inner = str(cause.get("Error", "")), cause.get("Cause", "")
    try:
        described = json.loads(inner)
    except (TypeError, ValueError):
        return f"{error}: {inner}" if inner else error
    if isinstance(described, Mapping):
        for name in JOB_REASONS:
            if described.get(name):
                return str(described[name])
        if described.get("errorMessage"):
            return f"{described.get('errorType', error)}: {described['errorMessage']}"
        status = described.get("TrainingJobStatus") or described.get("ProcessingJobStatus")
        if status:
            return f"the job ended as {status}"
    return f"{error}: {inner}"
