"""A model's settings in one environment: the JSON document that infra writes and the functions read."""

from dataclasses import dataclass, field

from pipelines.interface.codec import canonical, read_json

TASKS = ("classification", "regression")
APPROVALS = ("automatic", "manual")
HIGHER_IS_BETTER = {
    "auc": True,
    "log_loss": False,
    "brier": False,
    "f1": True,
    "calibration_error": False,
    "mae": False,
    "rmse": False,
}
"""Whether a higher value of a metric is better. ``bias`` has no better direction, so no gate can use it."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """The instance, volume and time limit of a SageMaker job."""

    instance_type: str
    volume_gb: int
    max_runtime_s: int


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The metric that a candidate must reach on the held-out rows. It fails closed: anything missing rejects.

    ``metric`` is one of ``HIGHER_IS_BETTER``, as "auc" (higher is better) or "mae" (lower is better). ``bound`` is
    the worst value that may serve at all. ``min_gain`` is the smallest gain over the champion, in the metric's unit:
    the lower end of the paired bootstrap's 95 % interval must be above it.
    """

    metric: str
    bound: float
    min_gain: float
    min_rows: int


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The rules by which a window of captured traffic counts as drifted from the champion's baseline.

    ``false_alarm_rate`` is the share of unchanged windows that may raise a warning or drift, over all columns together.
    ``min_effect`` is the smallest change of a column that is drift, as a Jensen-Shannon distance from 0 to 1; half of
    it is a warning. ``persistence`` is the number of windows in a row in which a column must have changed.
    """

    window_hours: int
    min_rows: int
    false_alarm_rate: float
    min_effect: float
    persistence: int


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The rules by which a window's labelled predictions count as worse than at evaluation.

    ``max_loss`` is the largest loss of the gate's metric, as a share of its value at evaluation. ``min_labels`` is the
    smallest number of labelled rows of the window.
    """

    min_labels: int
    max_loss: float


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """The lease's rules, and the triggers that are accepted besides a person's."""

    triggers: tuple[str, ...]
    cooldown_s: int
    max_runs_per_day: int


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    model: str
    dataset: str
    task: str
    target: str
    time_column: str
    window_months: int
    holdout_months: int
    image: str
    code_uri: str
    """The s3:// URI of the source of all jobs: a tar.gz with train.py, inference.py, contract.yaml and pipelines/."""
    training: Job
    processing: Job
    gate: Gate
    drift: Drift
    quality: Quality
    retraining: Retraining
    approval: str
    two_people: bool
    hyperparameters: dict[str, str] = field(default_factory=dict)
    training_stage: str = ""
    """The stage whose environment trains the model; "" in documents of older versions."""

    def to_json(self) -> str:
        return canonical(self)

    @classmethod
    def from_json(cls, text: str) -> "ModelSettings":
        """Return the settings in a document; raise ``InvalidRecordError`` if it holds none."""
        return read_json(cls, text, "settings", ignore_unknown=True)
