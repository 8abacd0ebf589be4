"""Prepares and concludes the release of an imported record, and its return to the champion before it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.aws.clients import Services
from pipelines.flows.release.approve import OwnApprovalError
from pipelines.interface import keys, log
from pipelines.interface.codec import read_json
from pipelines.interface.paths import PromotedFiles
from pipelines.interface.records import (
    Champion,
    ConsumedRecord,
    PromotionApproval,
    PromotionEnd,
    PromotionState,
    ReleaseRecord,
)
from pipelines.interface.requests import PromotedRelease, PromotionStep, Step
from pipelines.interface.times import format_time

SHOWN_RELEASES = 20
"""Number of the newest releases that are searched for the reason of a failure."""
NONE_BEFORE = "none"


class NotImportedError(LookupError):
    """The environment has not imported the record."""


class ReturnedError(RuntimeError):
    """The promotion was returned, so its approval is used up."""


class PromotionFailedError(RuntimeError):
    """The environment does not serve what the step should have put into service."""


@dataclass(frozen=True, kw_only=True)
class _Promotion:
    """An imported record, with what serves now."""

    record: ReleaseRecord
    consumed: ConsumedRecord
    champion: Champion | None

    @property
    def serves(self) -> bool:
        return self.champion is not None and self.champion.package_arn == self.consumed.package_arn


def prepare_promotion(step: PromotionStep, services: Services) -> PromotedRelease:
    """Return the release that a step needs, and record who approved it and what it replaces.

    Raises
    ------
    NotImportedError, ReturnedError
        The record cannot be released here (any more).
    OwnApprovalError
        The stage wants two people, and the approver is the author, or nobody has approved.
    """
    found = _read(step, services)
    consumed, champion = found.consumed, found.champion
    if step.step == Step.RETURN:
        # Without a champion before there is nothing to return to: what was released keeps serving.
        previous = consumed.previous or NONE_BEFORE
        needed = found.serves and previous != NONE_BEFORE
        return PromotedRelease(
            needed=needed, package_arn=previous if needed else "", rollback=True, by=step.by, promotion=""
        )
    if consumed.state == PromotionState.RETURNED:
        raise ReturnedError(f"the promotion of {consumed.package_arn} was returned: request it again")
    if services.settings(consumed.model).two_people:
        require_other_person(step.by, found.record)
    if not found.serves:
        # A retry finds what the first attempt recorded: the champion could be a rest of that attempt.
        previous = consumed.previous or (champion.package_arn if champion else NONE_BEFORE)
        approval = PromotionApproval(approved_by=step.by, previous=previous)
        services.ledger.update(keys.consumed_record(consumed.model, step.digest), approval)
    return PromotedRelease(
        needed=not found.serves, package_arn=consumed.package_arn, rollback=False, by=step.by, promotion=step.digest
    )


def require_other_person(approver: str, record: ReleaseRecord) -> None:
    """Raise ``OwnApprovalError`` unless a person approved who neither requested the promotion nor trained the model.

    ``approver`` is an ARN; its last part is the name of the person's session or user.
    """
    if ":sts:" not in approver and ":iam:" not in approver:
        raise OwnApprovalError(
            f"{record.model} wants two people, and {approver or 'nobody'} has approved: set the stage's "
            "promotion.approval to manual"
        )
    person = _person(approver)
    for author, what in ((record.requested_by, "requested the promotion"), (record.trained_by, "trained the model")):
        if person == _person(author):
            raise OwnApprovalError(f"{person} {what} of {record.package_arn}: another person must approve it")


def _person(identity: str) -> str:
    return identity.rpartition("/")[2]


def conclude_promotion(step: PromotionStep, services: Services) -> None:
    """Record the step's result.

    Raises
    ------
    PromotionFailedError
        The champion is not the one that the step should have put into service; the message has the release's cause.
    """
    found = _read(step, services)
    consumed, champion = found.consumed, found.champion
    key = keys.consumed_record(consumed.model, step.digest)
    ended = format_time(datetime.now(UTC))
    if step.step == Step.RETURN:
        if found.serves and (consumed.previous or NONE_BEFORE) != NONE_BEFORE:
            raise PromotionFailedError(
                f"{consumed.package_arn} still serves instead of {consumed.previous}: "
                f"{_cause(services, consumed.model, consumed.previous or '')}"
            )
        # A release that was refused or failed may be retried; what was released and returned may not.
        if not found.serves and consumed.state == PromotionState.RELEASED:
            services.ledger.update(key, PromotionEnd(state=PromotionState.RETURNED, ended_at=ended))
        log.info("promotion returned", package=champion.package_arn if champion else None, record=step.digest)
        return
    state = PromotionState.RELEASED if found.serves else PromotionState.FAILED
    services.ledger.update(key, PromotionEnd(state=state, ended_at=ended))
    if not found.serves:
        serving = champion.package_arn if champion else "nothing"
        raise PromotionFailedError(
            f"{serving} serves instead of {consumed.package_arn}: "
            f"{_cause(services, consumed.model, consumed.package_arn)}"
        )
    log.info("promotion released", package=consumed.package_arn, record=step.digest)


def _cause(services: Services, model: str, package_arn: str) -> str:
    for release in services.ledger.latest(keys.releases(model), SHOWN_RELEASES):
        if release.package_arn == package_arn:
            return release.cause or f"its release is {release.outcome or 'under way'}"
    return "its release never began"


def _read(step: PromotionStep, services: Services) -> _Promotion:
    record = read_json(ReleaseRecord, step.record, "the release record")
    consumed = services.ledger.get(keys.consumed_record(record.model, step.digest))
    if consumed is None:
        raise NotImportedError(
            f"{services.environment.id} has not imported the record {step.digest}: retry the stage with all actions"
        )
    files = PromotedFiles(consumed.model, step.digest)
    # The record that was verified at the import, not the one that this step was given.
    verified = services.bucket("artifacts").read_record(ReleaseRecord, files.record)
    return _Promotion(record=verified, consumed=consumed, champion=services.ledger.get(keys.champion(consumed.model)))
