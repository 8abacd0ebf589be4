"""The end of a release, however it ends: recorded, told, unlocked, and what nothing refers to swept away."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.causes import reason_of
from pipelines.aws.clients import Services
from pipelines.aws.messages import alert, emit
from pipelines.aws.packages import UnknownPackageError, model_of
from pipelines.flows.release.begin import ReleaseInProgressError, record_champion, recover
from pipelines.flows.release.serving import ServingBrokenError, is_absent, read_chain
from pipelines.interface import events, keys
from pipelines.interface.names import Model
from pipelines.interface.times import written

RELEASED = "released"


def finish_release(event: Mapping[str, Any], services: Services) -> None:
    """Record a release's outcome: ``released``, ``rolled_back`` or ``failed``.

    ``event`` is the flow's own (release, outcome, cause, verification; or, of a release that never began, package_arn,
    execution, outcome, cause) or, of an execution that ended without one of these, ``{"execution", "status"}``.
    """
    release = event.get("release")
    if release:
        _finish(services, release["model"], release["release_id"], event)
        return
    known = services.ledger.get(keys.execution_pk(event["execution"]), keys.EXECUTION)
    if known:
        _finish(services, known["model"], known["release_id"], event)
    elif event.get("package_arn"):
        _tell(
            services, _model_name(services, event["package_arn"]), "none", "failed", _cause(event), event["package_arn"]
        )


def _finish(services: Services, model_name: str, release_id: str, event: Mapping[str, Any]) -> None:
    pk, ledger = keys.model_pk(model_name), services.ledger
    record = ledger.get(pk, keys.release_sk(release_id)) or {}
    outcome, cause = event.get("outcome", "failed"), _cause(event)
    lock = ledger.get(pk, keys.RELEASE_LOCK)
    holds = bool(lock and lock["release_id"] == release_id)
    model = services.environment.model(model_name)
    if record.get("outcome"):
        if lock and holds:
            # The flow recorded its failure, and has died since: now what it had begun can be finished or undone.
            _recovered(services, model, lock)
        return
    if lock and holds and outcome == "failed":
        cause = f"{cause}; {_recovered(services, model, lock)}"
    elif lock and holds:
        if outcome == RELEASED:
            record_champion(services, lock)
        _sweep(services, model, lock)
        ledger.delete(pk, keys.RELEASE_LOCK, expected={"release_id": release_id})
    values = {"outcome": outcome, "cause": cause, "ended": written(datetime.now(UTC))}
    verification = event.get("verification")
    ledger.update(pk, keys.release_sk(release_id), values | ({"verification": verification} if verification else {}))
    _tell(services, model_name, release_id, outcome, cause, record.get("package_arn", event.get("package_arn")))


def _recovered(services: Services, model: Model, lock: Mapping[str, Any]) -> str:
    """Finish or undo a release whose flow died; what cannot be decided yet is left to the next release."""
    try:
        return f"what it had begun was {recover(services, model, lock)}"
    except (ReleaseInProgressError, ServingBrokenError) as error:
        return f"the next release finishes or undoes what it had begun ({error})"


def _sweep(services: Services, model: Model, lock: Mapping[str, Any]) -> None:
    """Delete the configs and models that served before and that the endpoint does not refer to any more."""
    chain, sagemaker = read_chain(services, model), services.client("sagemaker")
    used_configs = {chain.config} if chain else set()
    used_models = set(chain.models) if chain else set()
    for left in (lock.get("predecessors", {}), lock.get("orphans", {})):
        for name in left.get("configs", []):
            if name not in used_configs:
                _delete(sagemaker.delete_endpoint_config, EndpointConfigName=name)
        for name in left.get("models", []):
            if name not in used_models:
                _delete(sagemaker.delete_model, ModelName=name)


def _delete(call: Any, **name: str) -> None:
    try:
        call(**name)
    except ClientError as error:
        if not is_absent(error):
            raise


def _cause(event: Mapping[str, Any]) -> str:
    return reason_of(event["cause"]) if event.get("cause") else str(event.get("status", ""))


def _model_name(services: Services, package_arn: str) -> str:
    try:
        return model_of(services, package_arn).name
    except UnknownPackageError:
        return "unknown"


def _tell(services: Services, model: str, release_id: str, outcome: str, cause: str, package_arn: str | None) -> None:
    detail = {"model": model, "release_id": release_id, "outcome": outcome, "package_arn": package_arn, "cause": cause}
    emit(services, events.RELEASE_FINISHED, detail)
    if outcome != RELEASED:
        message = f"{cause}\n\nPackage: {package_arn}\nThe previous champion keeps serving."
        alert(services, f"{services.environment.id} {model}: release {outcome}", message)
