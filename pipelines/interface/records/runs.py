"""The records of a model's retraining: triggers, the lease, runs and reproductions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipelines.interface.settings import Job


class TriggerKind(StrEnum):
    """Cause of a retraining. A person may always start one; a model's settings list the others that may."""

    DRIFT = "drift"
    QUALITY = "quality"
    COMMIT = "commit"
    SCHEDULE = "schedule"
    PERSON = "person"
    REPRODUCTION = "reproduction"
    """Training ``package_arn`` again to compare. No event can have this kind: a person starts it."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """The cause of a run. ``kind`` is a ``TriggerKind`` once the lease was taken; before that, any text.

    ``id`` is the same for the same event delivered twice. ``by`` and ``reason`` are comments.
    """

    kind: str
    id: str
    by: str
    reason: str
    package_arn: str = ""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The lock of a model's retraining. Times are seconds since the epoch; ``runs_today`` counts the runs of ``day``.

    ``token`` is the fencing token: one higher with every run.
    """

    holder: str | None = None
    token: int = 0
    expires_at: int = 0
    cooldown_until: int = 0
    day: str = ""
    runs_today: int = 0
    recent_triggers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A trigger that started no run. ``refusal`` is the error's class, ``reason`` its message."""

    kind: str
    id: str
    by: str
    package_arn: str = ""
    refusal: str
    reason: str
    trigger_reason: str
    execution: str


class RunOutcome(StrEnum):
    REGISTERED = "registered"
    REJECTED = "rejected"
    FAILED = "failed"
    REPRODUCED = "reproduced"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings and digests that decide the result of a run; kept so that it can be trained again."""

    dataset: str
    task: str
    target: str
    time_column: str
    window_months: int
    holdout_months: int
    image: str
    code_uri: str
    training: Job
    processing: Job
    hyperparameters: dict[str, str]
    metric: str
    code_sha256: str
    packages_sha256: str


@dataclass(frozen=True, kw_only=True)
class MetricPair:
    """A metric of the recorded run and of its reproduction; None where one of them lacks it."""

    recorded: float | None
    reproduced: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A reproduction against the recorded run.

    ``outcome`` is ``REPRODUCED`` if rows and metrics are the same within ``tolerance`` (relative). ``artifact``,
    ``training_rows`` and ``holdout_rows`` are ``equal``, ``differs`` or ``unknown``.
    """

    package_arn: str
    outcome: RunOutcome
    exact: bool
    tolerance: float
    metrics: dict[str, MetricPair]
    artifact: str
    training_rows: str
    holdout_rows: str
    differences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunStart:
    """The part of a run that is written when it takes the lease."""

    run_id: str
    execution: str
    token: int
    started: str
    trigger: Trigger


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """The part of a run that is written when it is planned. ``champion`` and ``reproduces`` are package ARNs."""

    dataset: str
    commit: str
    tree: str
    champion: str | None
    reproduces: str | None
    job_id: str
    recipe: Recipe


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """The part of a run that is written when it ends. ``jobs`` is the name of each step's job."""

    outcome: RunOutcome
    cause: str
    package_arn: str | None
    ended: str
    jobs: dict[str, str]
    comparison: Comparison | None = None


@dataclass(frozen=True, kw_only=True)
class RunApproval:
    """The part of a run that is written when its package is approved."""

    approved_by: str
    approved_at: str
    approval_comment: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """A retraining run: the parts above in one item. ``outcome`` is None while the run is under way."""

    run_id: str
    execution: str
    token: int
    started: str
    trigger: Trigger
    dataset: str | None = None
    commit: str | None = None
    tree: str | None = None
    champion: str | None = None
    reproduces: str | None = None
    job_id: str | None = None
    recipe: Recipe | None = None
    outcome: RunOutcome | None = None
    cause: str = ""
    package_arn: str | None = None
    ended: str | None = None
    jobs: Mapping[str, str] | None = None
    comparison: Comparison | None = None
    approved_by: str | None = None
    approved_at: str | None = None
    approval_comment: str = ""


@dataclass(frozen=True, kw_only=True)
class CommitUse:
    """A run that was planned from a commit."""

    model: str
    run_id: str
    dataset: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The run or release of a model that an execution works on."""

    model: str
    run_id: str | None = None
    release_id: str | None = None
