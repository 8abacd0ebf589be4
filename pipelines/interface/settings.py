"""A model's settings in one environment: the JSON document that infra writes and the state machines' functions read."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

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
"""Which way a metric points. ``bias`` has no better direction, and so is no gate's metric."""


class InvalidSettingsError(ValueError):
    """The document is not a model's settings."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a SageMaker job runs on."""

    instance_type: str
    volume_gb: int
    max_runtime_s: int


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a candidate must show on the held-out rows. Failing closed: whatever is missing rejects.

    ``metric`` is one of ``HIGHER_IS_BETTER``, as "auc" (higher is better) or "mae" (lower is better). ``bound`` is
    the worst value that may serve at all. ``min_gain`` is how much better than the champion the candidate must be, in
    the metric's unit; the lower end of the paired bootstrap's 95 % interval must lie above it.
    """

    metric: str
    bound: float
    min_gain: float
    min_rows: int


@dataclass(frozen=True, kw_only=True)
class Drift:
    """When a window of captured traffic counts as drifted from the champion's baseline.

    ``false_alarm_rate`` is the share of windows without any change that may raise something, over all columns together.
    ``min_effect`` is the least change of a column that is drift, as a Jensen-Shannon distance from 0 to 1; half of it
    is a warning. ``persistence`` is in how many windows in a row a column must have changed before drift is called.
    """

    window_hours: int
    min_rows: int
    false_alarm_rate: float
    min_effect: float
    persistence: int


@dataclass(frozen=True, kw_only=True)
class Quality:
    """When a window's predictions count as worse than at evaluation, once labels have come.

    ``max_loss`` is of the gate's metric, as a share of its value at evaluation. ``min_labels`` is how many rows of the
    window must have a label.
    """

    min_labels: int
    max_loss: float


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """The lease's rules, and which triggers are accepted besides a person's."""

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
    """The source of all jobs: an s3:// URI of a tar.gz with train.py, inference.py, contract.yaml and pipelines/."""
    training: Job
    processing: Job
    gate: Gate
    drift: Drift
    quality: Quality
    retraining: Retraining
    approval: str
    two_people: bool
    hyperparameters: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "ModelSettings":
        document = _object(text)
        nested = {
            "training": Job,
            "processing": Job,
            "gate": Gate,
            "drift": Drift,
            "quality": Quality,
            "retraining": Retraining,
        }
        values = _exactly(cls, document)
        for name, kind in nested.items():
            values[name] = kind(**_exactly(kind, document[name], name))
        values["retraining"] = Retraining(
            **{**asdict(values["retraining"]), "triggers": tuple(document["retraining"]["triggers"])}
        )
        return cls(**values)


def _object(text: str) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise InvalidSettingsError(f"settings are a JSON object, not {type(document).__name__}")
    return document


def _exactly(kind: type, document: dict[str, Any], where: str = "settings") -> dict[str, Any]:
    wanted = {f.name for f in fields(kind)}
    if wanted != set(document):
        raise InvalidSettingsError(
            f"{where}: missing {sorted(wanted - set(document))}, unknown {sorted(set(document) - wanted)}"
        )
    return dict(document)
