"""Begins a release: checks that the package may serve, and that the last release has ended.

``refuse`` and ``has_taken_effect`` decide from values; ``begin_release`` and ``recover`` read them and act.
"""

from datetime import UTC, datetime

from botocore.exceptions import ClientError

from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.aws.ledger import ConflictError
from pipelines.aws.packages import APPROVED, ModelPackage, model_of, read_package
from pipelines.flows.release.approve import MAX_DESCRIPTION
from pipelines.flows.release.serving import (
    EndpointChain,
    ServingBrokenError,
    ServingStack,
    leads_to,
    leftovers,
    read_chain,
    read_stack,
)
from pipelines.interface import keys, log
from pipelines.interface.names import Model, version_of
from pipelines.interface.records import (
    Champion,
    ConsumedApproval,
    Execution,
    PromotionState,
    Release,
    ReleaseEnd,
    ReleaseLock,
    ReleaseOutcome,
)
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.requests import BeginReleaseRequest, ReleaseGrant
from pipelines.interface.times import format_time, sortable_id


class NotApprovedError(RuntimeError):
    """The package's status is not Approved."""


class ApprovalConsumedError(RuntimeError):
    """An earlier release has used this approval."""


class OlderThanChampionError(RuntimeError):
    """The package is older than the champion, and the release is not a rollback."""


class ArtifactChangedError(RuntimeError):
    """The artifact's bytes have changed since its registration."""


class ReleaseInProgressError(RuntimeError):
    """Another release of the model is under way."""


def begin_release(request: BeginReleaseRequest, services: Services) -> ReleaseGrant:
    """Check the package, take the model's release lock, consume the approval and write the release state.

    A repeated call of the same execution gets the same answer. None of the errors above leaves a lock behind.
    """
    package, model = read_package(services, request.package_arn), model_of(services, request.package_arn)
    key, ledger = keys.release_lock(model.name), services.ledger
    if request.promotion:
        require_promotion(services, model, request)
    else:
        require_approval(package)
    lock = ledger.get(key)
    if lock and lock.execution != request.execution:
        _refuse_duplicate(services, lock, request)
        recover(services, model, lock)
        lock = None
    if lock is None:
        refuse(package, ledger.get(keys.champion(model.name)), rollback=request.rollback)
        check_artifact(services, package)
        lock = _take_lock(services, model, request)
    # Not with the lock: a call that died in between would leave the release without its record.
    ledger.record(keys.release(model.name, lock.release_id), Release.begun_by(lock))
    with log.bound(release=lock.release_id):
        try:
            if request.promotion:
                package = _approve_promoted(services, package, request)
            if not request.rollback:
                _consume_approval(services, model, package, lock.release_id, again=bool(request.promotion))
        except ApprovalConsumedError:
            ledger.delete(key, expected={"execution": request.execution})
            raise
        services.put_parameter(model.release_parameter, lock.intended)
        log.info("release begun", package=package.arn, by=lock.by, rollback=lock.rollback, previous=lock.previous)
    return ReleaseGrant(
        release_id=lock.release_id,
        model=lock.model,
        previous=lock.previous,
        intended=lock.intended,
        package_arn=lock.package_arn,
    )


def require_promotion(services: Services, model: Model, request: BeginReleaseRequest) -> None:
    """Raise ``NotApprovedError`` unless a person or stage has approved this package's release record in the pipeline.

    Only the promotion's functions write that approval; it ends with the promotion.
    """
    consumed = services.ledger.get(keys.consumed_record(model.name, request.promotion))
    if consumed is None or consumed.package_arn != request.package_arn or not consumed.approved_by:
        raise NotApprovedError(f"no promotion of {request.package_arn} by the record {request.promotion} is approved")
    if consumed.approved_by != request.by:
        raise NotApprovedError(f"{consumed.approved_by} approved {request.package_arn}, not {request.by}")
    if consumed.state == PromotionState.RETURNED:
        raise ApprovalConsumedError(f"the promotion of {request.package_arn} was returned: request it again")


def _approve_promoted(services: Services, package: ModelPackage, request: BeginReleaseRequest) -> ModelPackage:
    """Approve the package as the pipeline's approver did. The event of that starts a release, which is refused."""
    if package.status != APPROVED:
        text = f"approved by {request.by} for the promotion {request.promotion}"
        services.client("sagemaker").update_model_package(
            ModelPackageArn=package.arn, ModelApprovalStatus=APPROVED, ApprovalDescription=text[:MAX_DESCRIPTION]
        )
        return read_package(services, package.arn)
    return package


def _refuse_duplicate(services: Services, lock: ReleaseLock, request: BeginReleaseRequest) -> None:
    """Raise ``ApprovalConsumedError`` if the same release is under way: an approval's event may come twice."""
    same = lock.package_arn == request.package_arn and lock.rollback == request.rollback
    if same and _is_running(services, lock.execution):
        raise ApprovalConsumedError(f"release {lock.release_id} of {lock.package_arn} is under way: {lock.execution}")


def require_approval(package: ModelPackage) -> None:
    """Raise ``NotApprovedError`` unless the package is approved."""
    if package.status != APPROVED:
        raise NotApprovedError(f"{package.arn} is {package.status}, not Approved: approve it first")


def refuse(package: ModelPackage, champion: Champion | None, *, rollback: bool) -> None:
    """Refuse a package that is the champion or older, unless this is a rollback.

    Raises
    ------
    ApprovalConsumedError
        The package is the champion.
    OlderThanChampionError
        The package is older than the champion.
    """
    if champion is None or rollback:
        return
    if package.version == champion.version:
        raise ApprovalConsumedError(f"{package.arn} is the champion already, by release {champion.release_id}")
    if package.version < champion.version:
        raise OlderThanChampionError(
            f"{package.arn} is older than the champion, version {champion.version}: release it by a rollback"
        )


def check_artifact(services: Services, package: ModelPackage) -> None:
    """Compare the artifact's bytes with the digest that was recorded at registration.

    Raises
    ------
    ArtifactChangedError
        The digests differ, or none was recorded.
    """
    recorded, uri = package.metadata.sha256, package.model_data_url
    artifacts = services.bucket("artifacts")
    found = artifacts.sha256_of(artifacts.key_of(uri))
    if found != recorded:
        raise ArtifactChangedError(f"{uri} has SHA-256 {found}; {recorded or 'nothing'} was recorded at registration")


def _take_lock(services: Services, model: Model, request: BeginReleaseRequest) -> ReleaseLock:
    now = datetime.now(UTC)
    previous = services.parameter(model.release_parameter)
    lock = ReleaseLock(
        release_id=sortable_id(now, request.execution),
        execution=request.execution,
        model=model.name,
        package_arn=request.package_arn,
        by=request.by,
        rollback=request.rollback,
        previous=previous,
        intended=intended_state(previous, request.package_arn).to_value(),
        predecessors=leftovers(read_chain(services, model)),
        begun=format_time(now),
    )
    ledger = services.ledger
    ledger.record(keys.execution(request.execution), Execution(model=model.name, release_id=lock.release_id))
    try:
        ledger.create(keys.release_lock(model.name), lock)
    except ConflictError as error:
        raise ReleaseInProgressError(
            f"another release of {model.id} began at this moment: release again after its end"
        ) from error
    return lock


def intended_state(previous: str, package_arn: str) -> ReleaseState:
    """Return the package alone as champion; anything that serves beside the old champion ends with it."""
    ReleaseState.from_value(previous)
    return ReleaseState(champion=package_arn)


def _consume_approval(services: Services, model: Model, package: ModelPackage, release_id: str, *, again: bool) -> None:
    """Consume the package's approval; ``again`` lets a promotion's release follow one of its own that failed."""
    assert package.changed is not None, "SageMaker gives every package a time"
    moment = format_time(package.changed)
    key = keys.approval(model.name, package.version, moment)
    try:
        services.ledger.create(key, ConsumedApproval(package_arn=package.arn, release_id=release_id))
    except ConflictError as error:
        consumed = services.ledger.get(key)
        if again or (consumed and consumed.release_id == release_id):
            return
        raise ApprovalConsumedError(f"a release has used the approval of {package.arn} of {moment} already") from error


def recover(services: Services, model: Model, lock: ReleaseLock) -> ReleaseOutcome:
    """Finish or undo an earlier release whose flow died; return which of the two.

    Raises
    ------
    ReleaseInProgressError
        The flow still runs, or its stack is still being updated.
    ServingBrokenError
        A person must repair the stack.
    """
    if _is_running(services, lock.execution):
        raise ReleaseInProgressError(
            f"release {lock.release_id} of {model.id} is under way: {lock.execution}; release again after its end"
        )
    stack = read_stack(services, model)
    if stack.is_broken:
        raise ServingBrokenError(f"{stack.name} is {stack.status}: repair the stack, then release again")
    if not stack.is_settled:
        raise ReleaseInProgressError(
            f"{stack.name} is still {stack.status} from release {lock.release_id}: release again after its end"
        )
    outcome = ReleaseOutcome.UNDONE
    if has_taken_effect(lock, stack, read_chain(services, model)):
        outcome = ReleaseOutcome.FINISHED
        record_champion(services, lock)
    else:
        services.put_parameter(model.release_parameter, lock.previous)
    end = ReleaseEnd(outcome=outcome, cause="its flow died", ended=format_time(datetime.now(UTC)))
    services.ledger.update(keys.release(model.name, lock.release_id), end)
    services.ledger.delete(keys.release_lock(model.name), expected={"execution": lock.execution})
    with log.bound(release=lock.release_id):
        log.info(f"dead release {outcome}", package=lock.package_arn)
    return outcome


def has_taken_effect(lock: ReleaseLock, stack: ServingStack, chain: EndpointChain | None) -> bool:
    """Return whether a release's stack and endpoint are what it intended."""
    return stack.resolved == lock.intended and leads_to(chain, lock.package_arn)


def record_champion(services: Services, lock: ReleaseLock) -> None:
    """Write the champion that a release has put into service."""
    champion = Champion(
        package_arn=lock.package_arn,
        version=version_of(lock.package_arn),
        release_id=lock.release_id,
        since=format_time(datetime.now(UTC)),
    )
    services.ledger.record(keys.champion(lock.model), champion)


def _is_running(services: Services, execution: str) -> bool:
    try:
        described = services.client("stepfunctions").describe_execution(executionArn=execution)
    except ClientError as error:
        if code_of(error) == "ExecutionDoesNotExist":
            return False
        raise
    return bool(described["status"] == "RUNNING")
