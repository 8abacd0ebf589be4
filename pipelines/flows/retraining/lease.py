"""The lease of a model's retraining: one run at a time, with cooldown and a daily budget.

``decide`` is pure; ``take`` and ``free`` apply it to the ledger by conditional writes, so that of many triggers at once
one wins. Every run gets a fencing token one higher than the last: what a run with an old token does later is refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.aws.clients import Services, read_settings
from pipelines.aws.ledger import ConflictError
from pipelines.interface import keys
from pipelines.interface.events import REPRODUCTION, TRIGGER_KINDS
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import parse_moment, sortable_id, written

SLACK_S = 1800
"""Beside the jobs themselves: starting them, retrying them, judging, registering."""
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
    """The model accepts no triggers of this kind, or this one came before."""


class LeaseLostError(RuntimeError):
    """The run's lease has expired and went to another run."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Times are seconds since the epoch; ``day`` is the UTC date that ``runs_today`` counts."""

    holder: str | None = None
    token: int = 0
    expires_at: int = 0
    cooldown_until: int = 0
    day: str = ""
    runs_today: int = 0
    recent_triggers: tuple[str, ...] = ()

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> "Lease":
        if item is None:
            return cls()
        values = {name: item[name] for name in asdict(cls())}
        return cls(**{**values, "recent_triggers": tuple(values["recent_triggers"])})


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """``kind``: one of ``events.TRIGGER_KINDS``, or ``events.REPRODUCTION``: then ``package_arn`` is to be made again.
    ``id`` is the same for the same event delivered twice."""

    kind: str
    id: str
    by: str
    reason: str
    package_arn: str = ""


def decide(lease: Lease, trigger: Trigger, settings: ModelSettings, *, execution: str, now: datetime) -> Lease:
    """The lease that ``execution`` gets; the same lease again if it holds it already.

    A reproduction registers nothing. So it neither waits for the cooldown nor begins one, and is not of the day's runs:
    an audit must not keep a model from being retrained.

    Raises
    ------
    RefusedError
        One of its kinds, saying why.
    """
    if lease.holder == execution:
        return lease
    rules, moment, day = settings.retraining, int(now.timestamp()), f"{now:%Y-%m-%d}"
    by_person, reproduces = trigger.kind == "person", trigger.kind == REPRODUCTION
    if reproduces and not trigger.package_arn:
        raise TriggerRefusedError("a reproduction names the package to make again, and is started by a person alone")
    known = trigger.kind in TRIGGER_KINDS and (by_person or trigger.kind in rules.triggers)
    if not (known or reproduces):
        accepted = ", ".join(("person", *rules.triggers))
        raise TriggerRefusedError(f"{settings.model} takes no trigger of kind {trigger.kind!r}; it takes {accepted}")
    if trigger.id in lease.recent_triggers:
        raise TriggerRefusedError(f"trigger {trigger.id!r} has started a run already")
    if lease.holder and moment < lease.expires_at:
        raise LeaseHeldError(
            f"{lease.holder} holds the lease of {settings.model} for {lease.expires_at - moment} s more"
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
        raise CooldownError(f"{settings.model} cools down for {lease.cooldown_until - moment} s more")
    runs_today = lease.runs_today if lease.day == day else 0
    if runs_today >= rules.max_runs_per_day:
        raise BudgetSpentError(f"{settings.model} has had its {rules.max_runs_per_day} runs of {day}")
    return replace(taken, cooldown_until=moment + rules.cooldown_s, day=day, runs_today=runs_today + 1)


def longest_run_s(settings: ModelSettings) -> int:
    """How long a run may take: validation, training and evaluation at their limits, and some slack."""
    return 2 * settings.processing.max_runtime_s + settings.training.max_runtime_s + SLACK_S


def take(
    services: Services, settings: ModelSettings, trigger: Trigger, *, execution: str, started: datetime
) -> dict[str, Any]:
    """Take the lease for ``execution`` and record the run; returns ``run_id`` and ``token``.

    ``started`` is the execution's start: an id made of it is the same when the function is retried.
    """
    pk, ledger = keys.model_pk(settings.model), services.ledger
    for _ in range(MAX_ATTEMPTS):
        item = ledger.get(pk, keys.LEASE)
        before = Lease.from_item(item)
        try:
            lease = decide(before, trigger, settings, execution=execution, now=started)
        except RefusedError as refusal:
            refused = {**asdict(trigger), "refusal": type(refusal).__name__, "reason": str(refusal)}
            ledger.record(
                pk,
                keys.refusal_sk(written(started), trigger.id),
                {**refused, "trigger_reason": trigger.reason, "execution": execution},
            )
            raise
        run_id = sortable_id(started, execution)
        if lease is not before:
            try:
                expected = {"token": before.token, "holder": before.holder} if item else None
                ledger.put(pk, keys.LEASE, asdict(lease), expected=expected)
            except ConflictError:
                continue
        about = {"run_id": run_id, "execution": execution, "token": lease.token, "started": written(started)}
        ledger.update(pk, keys.run_sk(run_id), {**about, "trigger": asdict(trigger)})
        ledger.record(keys.execution_pk(execution), keys.EXECUTION, {"model": settings.model, "run_id": run_id})
        return {"run_id": run_id, "token": lease.token}
    raise LeaseHeldError(f"the lease of {settings.model} changed {MAX_ATTEMPTS} times while it was asked for")


def ensure_held(services: Services, model: str, token: int) -> None:
    """Raise ``LeaseLostError`` unless ``token`` is the lease's current one."""
    lease = Lease.from_item(services.ledger.get(keys.model_pk(model), keys.LEASE))
    if lease.token != token:
        raise LeaseLostError(f"the run's token is {token}, the lease of {model} has gone on to {lease.token}")


def free(services: Services, model: str, execution: str) -> bool:
    """Free the lease if ``execution`` holds it; returns whether it did."""
    pk = keys.model_pk(model)
    lease = Lease.from_item(services.ledger.get(pk, keys.LEASE))
    if lease.holder != execution:
        return False
    try:
        services.ledger.put(
            pk,
            keys.LEASE,
            asdict(replace(lease, holder=None, expires_at=0)),
            expected={"token": lease.token, "holder": execution},
        )
    except ConflictError:
        return False
    return True


def take_from_event(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """``take_lease``'s input: model, trigger, execution, started."""
    settings = read_settings(services, event["model"])
    given = {name: str(event["trigger"][name]) for name in ("kind", "id", "by", "reason")}
    trigger = Trigger(**given, package_arn=str(event["trigger"].get("package_arn", "")))
    return take(services, settings, trigger, execution=event["execution"], started=parse_moment(event["started"]))
