"""The lease of a model's retraining: one run at a time, with cooldown and a daily budget.

``decide`` is pure; ``take_lease`` and ``free`` apply it to the ledger by conditional writes, so that one of several
simultaneous triggers wins. Every run gets a fencing token one higher than the last; a run with an old one is refused.
"""

from dataclasses import replace
from datetime import datetime

from pipelines.aws.clients import Services
from pipelines.aws.ledger import ConflictError
from pipelines.interface import keys, log
from pipelines.interface.jobs import CAPACITY_WAIT_S
from pipelines.interface.names import execution_name
from pipelines.interface.records import Execution, Lease, Refusal, RunStart, Trigger, TriggerKind
from pipelines.interface.requests import LeaseGrant, LeaseRequest
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import format_time, parse_time, sortable_id

SLACK_S = 1800
"""Seconds of a run besides its jobs: starting and retrying them, judging, registering."""
REMEMBERED_TRIGGERS = 50
MAX_ATTEMPTS = 10


class RefusedError(RuntimeError):
    """A trigger starts no run; the refusal is recorded."""


class LeaseHeldError(RefusedError):
    """Another run of the model is under way."""


class CooldownError(RefusedError):
    """The last run began too recently."""


class BudgetSpentError(RefusedError):
    """Today's runs are used up."""


class TriggerRefusedError(RefusedError):
    """The model does not accept triggers of this kind, or this one has started a run already."""


class LeaseLostError(RuntimeError):
    """The run's lease has expired, and another run has taken it."""


def decide(lease: Lease, trigger: Trigger, settings: ModelSettings, *, execution: str, now: datetime) -> Lease:
    """Return the lease that ``execution`` gets; the unchanged lease if the execution holds it already.

    A reproduction registers nothing. So it neither waits for the cooldown nor begins one, and does not count as one of
    the day's runs: an audit must not delay the model's retraining.

    Raises
    ------
    RefusedError
        The trigger starts no run; the subclass and the message are the reason.
    """
    if lease.holder == execution:
        return lease
    rules, moment, day = settings.retraining, int(now.timestamp()), f"{now:%Y-%m-%d}"
    by_person, reproduces = trigger.kind == TriggerKind.PERSON, trigger.kind == TriggerKind.REPRODUCTION
    if reproduces and not trigger.package_arn:
        raise TriggerRefusedError(
            "a reproduction must name its package, and only a person starts one: run mooring reproduce"
        )
    accepts = by_person or (trigger.kind in list(TriggerKind) and trigger.kind in rules.triggers)
    if not (accepts or reproduces):
        accepted = ", ".join((TriggerKind.PERSON, *rules.triggers))
        raise TriggerRefusedError(
            f"{settings.model} does not accept triggers of kind {trigger.kind!r}; it accepts {accepted}"
        )
    if trigger.id in lease.recent_triggers:
        raise TriggerRefusedError(f"trigger {trigger.id!r} has started a run already")
    if lease.holder and moment < lease.expires_at:
        raise LeaseHeldError(
            f"execution {execution_name(lease.holder)} holds the lease of {settings.model} for at most "
            f"{lease.expires_at - moment} s more"
        )
    recent = (*lease.recent_triggers, trigger.id)[-REMEMBERED_TRIGGERS:]
    taken = replace(
        lease,
        holder=execution,
        token=lease.token + 1,
        expires_at=moment + longest_run_s(settings),
        recent_triggers=recent,
    )
    if reproduces:
        return taken
    if not by_person and moment < lease.cooldown_until:
        raise CooldownError(f"the cooldown of {settings.model} lasts for {lease.cooldown_until - moment} s more")
    runs_today = lease.runs_today if lease.day == day else 0
    if runs_today >= rules.max_runs_per_day:
        raise BudgetSpentError(f"{settings.model} has had its {rules.max_runs_per_day} runs of {day}")
    return replace(taken, cooldown_until=moment + rules.cooldown_s, day=day, runs_today=runs_today + 1)


def longest_run_s(settings: ModelSettings) -> int:
    """Return the longest time of a run in seconds: the limits of its three jobs, their waits for instances, and more.

    ``SLACK_S`` is for all else, such as starting the instances.
    """
    return 2 * settings.processing.max_runtime_s + settings.training.max_runtime_s + 3 * CAPACITY_WAIT_S + SLACK_S


def take_lease(request: LeaseRequest, services: Services) -> LeaseGrant:
    """Take the lease for the request's execution, and record the run or the refusal.

    Raises
    ------
    RefusedError
        The trigger starts no run.
    """
    settings, trigger, execution = services.settings(request.model), request.trigger, request.execution
    started = parse_time(request.started)
    key, ledger = keys.lease(settings.model), services.ledger
    for _ in range(MAX_ATTEMPTS):
        found = ledger.get(key)
        before = found or Lease()
        try:
            lease = decide(before, trigger, settings, execution=execution, now=started)
        except RefusedError as refusal:
            _record_refusal(services, request, refusal)
            raise
        run_id = sortable_id(started, execution)
        if lease is not before:
            try:
                if found:
                    ledger.replace(key, lease, expected={"token": before.token, "holder": before.holder})
                else:
                    ledger.create(key, lease)
            except ConflictError:
                continue
        start = RunStart(
            run_id=run_id, execution=execution, token=lease.token, started=format_time(started), trigger=trigger
        )
        ledger.update(keys.run(settings.model, run_id), start)
        ledger.record(keys.execution(execution), Execution(model=settings.model, run_id=run_id))
        with log.bound(run=run_id, trigger=trigger.id):
            log.info("lease taken", kind=trigger.kind, by=trigger.by, reason=trigger.reason, token=lease.token)
        return LeaseGrant(run_id=run_id, token=lease.token)
    raise LeaseHeldError(f"the lease of {settings.model} was changed by others at {MAX_ATTEMPTS} attempts to take it")


def _record_refusal(services: Services, request: LeaseRequest, refusal: RefusedError) -> None:
    trigger, moment = request.trigger, format_time(parse_time(request.started))
    record = Refusal(
        kind=trigger.kind,
        id=trigger.id,
        by=trigger.by,
        package_arn=trigger.package_arn,
        refusal=type(refusal).__name__,
        reason=str(refusal),
        trigger_reason=trigger.reason,
        execution=request.execution,
    )
    services.ledger.record(keys.refusals(request.model).key(f"{moment}#{trigger.id}"), record)
    with log.bound(trigger=trigger.id):
        log.info("trigger refused", kind=trigger.kind, by=trigger.by, refusal=record.refusal, reason=record.reason)


def ensure_held(services: Services, model: str, token: int) -> None:
    """Raise ``LeaseLostError`` unless ``token`` is the lease's current one."""
    lease = services.ledger.get(keys.lease(model)) or Lease()
    if lease.token != token:
        raise LeaseLostError(
            f"the run's token is {token}, but another run has taken the lease of {model}: {lease.token}"
        )


def free(services: Services, model: str, execution: str) -> bool:
    """Free the lease if ``execution`` holds it; return whether it did."""
    key = keys.lease(model)
    lease = services.ledger.get(key)
    if lease is None or lease.holder != execution:
        return False
    freed = replace(lease, holder=None, expires_at=0)
    try:
        services.ledger.replace(key, freed, expected={"token": lease.token, "holder": execution})
    except ConflictError:
        return False
    return True
