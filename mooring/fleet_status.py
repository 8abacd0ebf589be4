"""Reads the newest state of every model of an environment, and orders them by what needs attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from mooring.deployed import DeployedEnvironment
from pipelines.aws.parallel import each
from pipelines.aws.status import read_status
from pipelines.interface import keys
from pipelines.interface.records import CheckOutcome, ModelStatus, QualityOutcome, ReleaseOutcome, RunOutcome

LATE = timedelta(hours=1)
"""Time after which a check that is due counts as missing, beside the length of its window."""


class State(StrEnum):
    """State of a model, worst first."""

    FAILED = "failed"
    DRIFTED = "drifted"
    NO_CHAMPION = "no champion"
    STALE = "stale check"
    HEALTHY = "healthy"


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """A model's state, its reason in a few words, and the records' newest state."""

    environment: str
    state: State
    reason: str
    status: ModelStatus


def judge(environment: str, status: ModelStatus, now: datetime) -> ModelState:
    """Return the worst state that applies to a model."""

    def found(state: State, reason: str) -> ModelState:
        return ModelState(environment=environment, state=state, reason=reason, status=status)

    if status.release_outcome in (ReleaseOutcome.FAILED, ReleaseOutcome.ROLLED_BACK, ReleaseOutcome.UNDONE):
        return found(State.FAILED, f"release {status.release_outcome}: {status.release_cause}")
    if status.run_outcome == RunOutcome.FAILED:
        return found(State.FAILED, f"retraining failed: {status.run_cause}")
    if status.champion is None:
        return found(State.NO_CHAMPION, _progress(status) or "nothing serves")
    if status.check_outcome == CheckOutcome.BROKEN_INPUT:
        return found(State.DRIFTED, "broken input")
    if status.check_outcome == CheckOutcome.DRIFT:
        return found(State.DRIFTED, f"drift of {', '.join(status.changed_columns) or 'the predictions'}")
    if status.quality_outcome == QualityOutcome.LOST:
        return found(State.DRIFTED, "quality lost")
    if status.checked_from is None or status.checked_to is None:
        return found(State.STALE, "never checked")
    begin, end = (datetime.fromisoformat(text) for text in (status.checked_from, status.checked_to))
    if now > end + 2 * (end - begin) + LATE:
        return found(State.STALE, f"last checked window ended {status.checked_to}")
    return found(State.HEALTHY, _progress(status) or str(status.check_outcome).replace("_", " "))


def _progress(status: ModelStatus) -> str:
    """Return what is under way, or waits for a person."""
    if status.release and status.release_outcome is None:
        return "release under way"
    if status.run and status.run_outcome is None:
        return "retraining under way"
    return f"last retraining {status.run_outcome}" if status.champion is None and status.run_outcome else ""


def read_states(deployed: DeployedEnvironment, models: Sequence[str], now: datetime | None = None) -> list[ModelState]:
    """Return the states of an environment's models, worst first and then by name.

    One query reads them. Only models without a copy of their state are read record by record.
    """
    ledger, moment = deployed.ledger, now or datetime.now(UTC)
    known = {status.model: status for _, status in ledger.query(keys.statuses())}
    missing = [model for model in models if model not in known]
    known |= {status.model: status for status in each(lambda model: read_status(ledger, model), missing)}
    return ordered([judge(deployed.environment.id, known[model], moment) for model in models])


def ordered(states: Sequence[ModelState]) -> list[ModelState]:
    worst = list(State)
    return sorted(states, key=lambda each: (worst.index(each.state), each.environment, each.status.model))
