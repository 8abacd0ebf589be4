"""Ends a release: records and publishes it, frees the lock, and deletes unused configs and models."""

from collections.abc import Callable
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from pipelines.aws.causes import reason_of
from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, publish
from pipelines.aws.packages import UnknownPackageError, model_of
from pipelines.aws.status import record_status
from pipelines.flows.release.begin import ReleaseInProgressError, record_champion, recover
from pipelines.flows.release.serving import ServingBrokenError, is_absent, read_chain
from pipelines.interface import keys, log
from pipelines.interface.events import ReleaseFinished
from pipelines.interface.names import Model
from pipelines.interface.records import ReleaseEnd, ReleaseLock, ReleaseOutcome
from pipelines.interface.requests import FinishReleaseRequest
from pipelines.interface.times import format_time


def finish_release(request: FinishReleaseRequest, services: Services) -> None:
    """Free the lock, publish a release's outcome and record it; do nothing if it was recorded before.

    The record is last: a call that died or was throttled is repeated, and then publishes again rather than never.
    """
    if request.release:
        _finish(services, request.release.model, request.release.release_id, request)
        record_status(services.ledger, request.release.model)
        return
    known = services.ledger.get(keys.execution(request.execution))
    if known and known.release_id:
        _finish(services, known.model, known.release_id, request)
        record_status(services.ledger, known.model)
    elif request.package_arn:
        model = _model_name(services, request.package_arn)
        _notify(services, model, "none", ReleaseOutcome.FAILED, _cause(request), request.package_arn)


def _finish(services: Services, model_name: str, release_id: str, request: FinishReleaseRequest) -> None:
    ledger, model, key = services.ledger, services.environment.model(model_name), keys.release_lock(model_name)
    record = ledger.get(keys.release(model_name, release_id))
    outcome, cause = request.outcome, _cause(request)
    lock = ledger.get(key)
    if lock and lock.release_id != release_id:
        lock = None
    if record and record.outcome:
        if lock:
            # The flow recorded its failure and has died since, so the release can be finished or undone now.
            _recover(services, model, lock)
        return
    if lock and outcome == ReleaseOutcome.FAILED:
        cause = f"{cause}; {_recover(services, model, lock)}"
    elif lock:
        if outcome == ReleaseOutcome.RELEASED:
            record_champion(services, lock)
        _sweep(services, model, lock)
        ledger.delete(key, expected={"release_id": release_id})
    end = ReleaseEnd(
        outcome=outcome, cause=cause, ended=format_time(datetime.now(UTC)), verification=request.verification
    )
    package_arn = record.package_arn if record else request.package_arn
    _notify(services, model_name, release_id, outcome, cause, package_arn)
    ledger.update(keys.release(model_name, release_id), end)


def _recover(services: Services, model: Model, lock: ReleaseLock) -> str:
    """Finish or undo a release whose flow died, or leave that to the next release; return what was done."""
    try:
        return f"the release was {recover(services, model, lock)}"
    except (ReleaseInProgressError, ServingBrokenError) as error:
        return f"the next release finishes or undoes it ({error})"


def _sweep(services: Services, model: Model, lock: ReleaseLock) -> None:
    """Delete the configs and models of earlier releases that the endpoint no longer refers to."""
    chain, sagemaker = read_chain(services, model), services.client("sagemaker")
    used_configs = {chain.config} if chain else set()
    used_models = set(chain.models) if chain else set()
    for left in (lock.predecessors, lock.orphans):
        for name in left.configs:
            if name not in used_configs:
                _delete(sagemaker.delete_endpoint_config, EndpointConfigName=name)
        for name in left.models:
            if name not in used_models:
                _delete(sagemaker.delete_model, ModelName=name)


def _delete(call: Callable[..., object], **name: str) -> None:
    try:
        call(**name)
    except ClientError as error:
        if not is_absent(error):
            raise


def _cause(request: FinishReleaseRequest) -> str:
    return reason_of(request.cause) if request.cause else request.status


def _model_name(services: Services, package_arn: str) -> str:
    try:
        return model_of(services, package_arn).name
    except UnknownPackageError:
        return "unknown"


def _notify(
    services: Services, model: str, release_id: str, outcome: ReleaseOutcome, cause: str, package_arn: str | None
) -> None:
    with log.bound(model=model, release=release_id):
        log.info(f"release {outcome}", cause=cause, package=package_arn)
    finished = ReleaseFinished(
        model=model, release_id=release_id, outcome=outcome, package_arn=package_arn, cause=cause
    )
    publish(services, finished)
    if outcome != ReleaseOutcome.RELEASED:
        message = f"{cause}\n\nPackage: {package_arn}\nThe previous champion keeps serving."
        alert(services, f"{services.environment.id} {model}: release {outcome}", message)
