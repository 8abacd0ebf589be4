"""The end of a run, however it ends: recorded, told, and the lease freed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.aws.causes import described_job, reason_of
from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, emit
from pipelines.flows.retraining import lease
from pipelines.interface import events, keys
from pipelines.interface.times import written


def finish_run(event: Mapping[str, Any], services: Services) -> None:
    """Record a run's outcome, emit ``Run Finished``, alert on failure, free the lease; the second time do nothing.

    ``event`` is the flow's own (model, execution, outcome, state, and where there is one cause, package_arn or
    comparison; ``state`` is all that the flow has come to) or, of an execution that ended without one of these,
    ``{"execution", "status"}``.
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
        if event.get("comparison"):
            values["comparison"] = event["comparison"]
        jobs = jobs_of(event.get("state", {}), event.get("cause"))
        ledger.update(pk, keys.run_sk(run_id), {"outcome": outcome, "jobs": jobs, **values})
    detail = {"model": model, "run_id": run_id, "outcome": outcome, "cause": cause}
    emit(services, events.RUN_FINISHED, {**detail, "package_arn": event.get("package_arn")})
    if outcome == "failed":
        message = f"{cause}\n\nExecution: {execution}\nThe champion keeps serving."
        alert(services, f"{services.environment.id} {model}: retraining failed", message)


def jobs_of(state: Mapping[str, Any], cause: Any) -> dict[str, str]:
    """The names of the jobs that a run came to, by step: those that completed, and the one that failed."""
    failed = described_job(cause) if isinstance(cause, Mapping) else None
    names = [_job_name(job) for job in (*state.get("jobs", {}).values(), failed)]
    # model-step-execution-attempt, and a model's name may have dashes
    return {name.rsplit("-", 3)[1]: name for name in names if name}


def _job_name(described: Any) -> str:
    if not isinstance(described, Mapping):
        return ""
    return str(described.get("TrainingJobName") or described.get("ProcessingJobName") or "")
