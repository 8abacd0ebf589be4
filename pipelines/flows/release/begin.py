"""The beginning of a release: may this package serve, and is the last release really over?"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.aws.ledger import ConflictError
from pipelines.aws.packages import describe, model_of
from pipelines.flows.release.serving import (
    FAILED,
    SETTLED,
    ServingBrokenError,
    leads_to,
    leftovers,
    read_chain,
    read_stack,
    resolved_value,
)
from pipelines.interface import keys
from pipelines.interface.names import Model
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.times import sortable_id, written


class NotApprovedError(RuntimeError):
    """The package's status is not Approved."""


class ApprovalConsumedError(RuntimeError):
    """A release has followed this approval already."""


class OlderThanChampionError(RuntimeError):
    """The package is older than the champion, and this is no rollback."""


class ArtifactChangedError(RuntimeError):
    """The artifact's bytes are not those that were registered."""


class ReleaseInProgressError(RuntimeError):
    """Another release of the model is under way."""


def begin_release(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """Check the package, take the model's release lock, consume the approval and write the release state.

    The same execution asking again gets the same answer. Raises the errors above; none of them leaves a lock behind.
    """
    arn, execution, rollback = event["package_arn"], event["execution"], bool(event.get("rollback"))
    package, model = describe(services, arn), model_of(services, arn)
    pk, ledger = keys.model_pk(model.name), services.ledger
    if package["ModelApprovalStatus"] != "Approved":
        raise NotApprovedError(f"{arn} is {package['ModelApprovalStatus']}, not Approved")
    lock = ledger.get(pk, keys.RELEASE_LOCK)
    if lock and lock["execution"] != execution:
        recover(services, model, lock)
        lock = None
    if lock is None:
        _check_version(arn, ledger.get(pk, keys.CHAMPION), rollback=rollback)
        check_artifact(services, package)
        lock = _lock(services, model, event)
    try:
        if not rollback:
            _consume_approval(services, model, package, lock["release_id"])
    except ApprovalConsumedError:
        ledger.delete(pk, keys.RELEASE_LOCK, expected={"execution": execution})
        raise
    services.put_parameter(model.release_parameter, lock["intended"])
    return {name: lock[name] for name in ("release_id", "model", "previous", "intended", "package_arn")}


def _check_version(arn: str, champion: Mapping[str, Any] | None, *, rollback: bool) -> None:
    if champion is None or rollback:
        return
    version = int(arn.rpartition("/")[2])
    if version == champion["version"]:
        raise ApprovalConsumedError(f"{arn} is the champion already, by release {champion['release_id']}")
    if version < champion["version"]:
        raise OlderThanChampionError(f"{arn} is older than the champion, version {champion['version']}")


def check_artifact(services: Services, package: Mapping[str, Any]) -> None:
    """Compare the artifact's bytes with the digest that was recorded at registration.

    Raises
    ------
    ArtifactChangedError
        They differ, or no digest was recorded.
    """
    recorded = package.get("CustomerMetadataProperties", {}).get("sha256")
    uri = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    artifacts = services.bucket("artifacts")
    found = artifacts.sha256_of(artifacts.key_of(uri))
    if found != recorded:
        raise ArtifactChangedError(f"{uri} has SHA-256 {found}; {recorded or 'nothing'} was recorded at registration")


def _lock(services: Services, model: Model, event: Mapping[str, Any]) -> dict[str, Any]:
    now, execution, arn = datetime.now(UTC), event["execution"], event["package_arn"]
    previous = services.parameter(model.release_parameter)
    lock = {
        "release_id": sortable_id(now, execution),
        "execution": execution,
        "model": model.name,
        "package_arn": arn,
        "by": str(event.get("by", "")),
        "rollback": bool(event.get("rollback")),
        "previous": previous,
        "intended": intended_state(previous, arn).to_value(),
        "predecessors": leftovers(read_chain(services, model)),
        "begun": written(now),
    }
    pk, ledger = keys.model_pk(model.name), services.ledger
    about = {"model": model.name, "release_id": lock["release_id"]}
    ledger.record(keys.execution_pk(execution), keys.EXECUTION, about)
    try:
        ledger.put(pk, keys.RELEASE_LOCK, lock, expected=None)
    except ConflictError as error:
        raise ReleaseInProgressError(f"another release of {model.id} began at this moment") from error
    ledger.record(pk, keys.release_sk(str(lock["release_id"])), lock)
    return lock


def intended_state(previous: str, package_arn: str) -> ReleaseState:
    """The package alone as champion; anything that serves beside the old champion ends with it."""
    ReleaseState.from_value(previous)
    return ReleaseState(champion=package_arn)


def _consume_approval(services: Services, model: Model, package: Mapping[str, Any], release_id: str) -> None:
    arn = package["ModelPackageArn"]
    changed = package.get("LastModifiedTime") or package["CreationTime"]
    pk, sk = keys.model_pk(model.name), keys.approval_sk(int(arn.rpartition("/")[2]), written(changed))
    try:
        services.ledger.put(pk, sk, {"package_arn": arn, "release_id": release_id}, expected=None)
    except ConflictError as error:
        consumed = services.ledger.get(pk, sk)
        if consumed and consumed["release_id"] == release_id:
            return
        raise ApprovalConsumedError(f"the approval of {arn} of {written(changed)} was used already") from error


def recover(services: Services, model: Model, lock: Mapping[str, Any]) -> str:
    """Finish or undo what an earlier, dead release left behind; returns ``finished`` or ``undone``.

    Raises
    ------
    ReleaseInProgressError
        It is not dead, or its stack is still moving.
    ServingBrokenError
        The stack needs a person.
    """
    if _runs(services, lock["execution"]):
        raise ReleaseInProgressError(f"release {lock['release_id']} of {model.id} is under way: {lock['execution']}")
    stack = read_stack(services, model)
    if stack["StackStatus"] in FAILED:
        raise ServingBrokenError(f"{stack['StackName']} is {stack['StackStatus']}: mend it, then release again")
    if stack["StackStatus"] not in SETTLED:
        raise ReleaseInProgressError(
            f"{stack['StackName']} is still {stack['StackStatus']} from release {lock['release_id']}"
        )
    took_effect = resolved_value(stack, model) == lock["intended"] and leads_to(
        read_chain(services, model), lock["package_arn"]
    )
    if took_effect:
        record_champion(services, lock)
    else:
        services.put_parameter(model.release_parameter, lock["previous"])
    outcome = "finished" if took_effect else "undone"
    pk = keys.model_pk(model.name)
    services.ledger.update(pk, keys.release_sk(lock["release_id"]), {"outcome": outcome, "cause": "its flow died"})
    services.ledger.delete(pk, keys.RELEASE_LOCK, expected={"execution": lock["execution"]})
    return outcome


def record_champion(services: Services, lock: Mapping[str, Any]) -> None:
    """Write the champion that a release has put into service."""
    arn = lock["package_arn"]
    services.ledger.record(
        keys.model_pk(lock["model"]),
        keys.CHAMPION,
        {
            "package_arn": arn,
            "version": int(arn.rpartition("/")[2]),
            "release_id": lock["release_id"],
            "since": written(datetime.now(UTC)),
        },
    )


def _runs(services: Services, execution: str) -> bool:
    try:
        described = services.client("stepfunctions").describe_execution(executionArn=execution)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ExecutionDoesNotExist":
            return False
        raise
    return bool(described["status"] == "RUNNING")
