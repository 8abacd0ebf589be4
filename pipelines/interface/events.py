"""Events on the environment's own bus. Delivery is at least once; consumers are idempotent."""

from dataclasses import dataclass
from typing import ClassVar

from pipelines.interface.records import ReleaseOutcome, RunOutcome

SOURCE = "mooring"


@dataclass(frozen=True, kw_only=True)
class Event:
    """The detail of an event; ``DETAIL_TYPE`` is what EventBridge's rules match."""

    DETAIL_TYPE: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class DriftFound(Event):
    """Event that the champion's traffic has drifted; it starts a retraining. ``worst`` are names of columns.

    ``training_stage`` is the stage that trains the model: the event is forwarded to the bus of its environment. It is
    "" in events of older versions.
    """

    DETAIL_TYPE: ClassVar[str] = "Drift Found"
    model: str
    training_stage: str = ""
    version: int
    check_id: str
    worst: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class QualityLost(Event):
    """Event that the champion's predictions of a window are worse than at evaluation; it starts a retraining.

    ``training_stage`` is the stage that trains the model: the event is forwarded to the bus of its environment. It is
    "" in events of older versions.
    """

    DETAIL_TYPE: ClassVar[str] = "Quality Lost"
    model: str
    training_stage: str = ""
    version: int
    window: str
    metric: str
    value: float
    evaluated: float
    rows: int


FINDINGS = (DriftFound.DETAIL_TYPE, QualityLost.DETAIL_TYPE)
"""Detail types of the events that start a retraining in the environment that trains the model."""


@dataclass(frozen=True, kw_only=True)
class TriggerRequest:
    """The trigger in an event. It has no package: an event cannot start a reproduction."""

    kind: str
    id: str
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RetrainingRequested(Event):
    """Event that requests a retraining; the lease decides whether it starts."""

    DETAIL_TYPE: ClassVar[str] = "Retraining Requested"
    model: str
    trigger: TriggerRequest


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    DETAIL_TYPE: ClassVar[str] = "Run Finished"
    model: str
    run_id: str
    outcome: RunOutcome
    cause: str
    package_arn: str | None


@dataclass(frozen=True, kw_only=True)
class ReleaseFinished(Event):
    DETAIL_TYPE: ClassVar[str] = "Release Finished"
    model: str
    release_id: str
    outcome: ReleaseOutcome
    package_arn: str | None
    cause: str


@dataclass(frozen=True, kw_only=True)
class PromotionRequested(Event):
    """Event that starts a team's model pipeline; ``digest`` is the SHA-256 of the release record.

    ``stages`` are those that the record shall enter, each between commas: ",staging,prod,". The pipeline skips others.
    """

    DETAIL_TYPE: ClassVar[str] = "Promotion Requested"
    model: str
    digest: str
    stages: str
