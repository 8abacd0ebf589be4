"""Ends a run: records and publishes its outcome, and frees the lease."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pipelines.aws.causes import described_job, reason_of
from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, publish
from pipelines.aws.status import record_status
from pipelines.flows.retraining import lease
from pipelines.interface import keys, log
from pipelines.interface.events import RunFinished
from pipelines.interface.records import RunEnd, RunOutcome
from pipelines.interface.requests import FinishRunRequest
from pipelines.interface.times import format_time


def finish_run(request: FinishRunRequest, services: Services) -> None:
    """Free the lease, publish a run's outcome, alert on failure and record it; do nothing if it was recorded before.

    The record is last: a call that died or was throttled is repeated, and then publishes again rather than never.
    """
    ledger, execution = services.ledger, request.execution
    known = ledger.get(keys.execution(execution))
    model = request.model or (known.model if known else None)
    if not model:
        return  # The execution ended before it took a lease: there is nothing to free or to record.
    _finish(request, services, model, known.run_id if known else None)
    record_status(ledger, model)


def _finish(request: FinishRunRequest, services: Services, model: str, run_id: str | None) -> None:
    ledger, execution = services.ledger, request.execution
    record = ledger.get(keys.run(model, run_id)) if run_id else None
    lease.free(services, model, execution)
    if record and record.outcome:
        return
    cause = reason_of(request.cause) if request.cause else request.status
    with log.bound(model=model, run=run_id):
        log.info(f"run {request.outcome}", cause=cause, package=request.package_arn)
    publish(
        services,
        RunFinished(
            model=model,
            run_id=run_id or "none",
            outcome=request.outcome,
            cause=cause,
            package_arn=request.package_arn,
        ),
    )
    if request.outcome == RunOutcome.FAILED:
        message = f"{cause}\n\nExecution: {execution}\nThe champion keeps serving."
        alert(services, f"{services.environment.id} {model}: retraining failed", message)
    if run_id:
        end = RunEnd(
            outcome=request.outcome,
            cause=cause,
            package_arn=request.package_arn,
            ended=format_time(datetime.now(UTC)),
            jobs=jobs_of(request.state, request.cause),
            comparison=request.comparison,
        )
        ledger.update(keys.run(model, run_id), end)


def jobs_of(state: Mapping[str, object], cause: object) -> dict[str, str]:
    """Return the names of a run's jobs by step: those that completed, and the one that failed."""
    completed = state.get("jobs", {})
    failed = described_job(cause) if isinstance(cause, Mapping) else None
    described = [*(completed.values() if isinstance(completed, Mapping) else ()), failed]
    names = [_job_name(job) for job in described if isinstance(job, Mapping)]
    # A name is model-step-execution-attempt, and the model may have dashes.
    return {name.rsplit("-", 3)[1]: name for name in names if name}


def _job_name(described: Mapping[str, object]) -> str:
    return str(described.get("TrainingJobName") or described.get("ProcessingJobName") or "")
