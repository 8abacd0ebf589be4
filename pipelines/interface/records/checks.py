"""The records of a model's drift checks and of the quality of its predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CheckOutcome(StrEnum):
    STABLE = "stable"
    WARNING = "warning"
    DRIFT = "drift"
    INSUFFICIENT_DATA = "insufficient_data"
    BROKEN_INPUT = "broken_input"
    COUNTING = "counting"
    """Many functions count the window; the check is concluded when they have."""
    FAILED = "failed"
    """The functions that count the window failed, or took too long: nothing was compared."""
    NOTHING_TO_CHECK = "nothing_to_check"
    """No version serves."""


@dataclass(frozen=True, kw_only=True)
class ColumnChange:
    """A changed column. ``effect`` is a distance from 0 to 1, ``evidence`` the test with the strongest evidence.

    ``importance`` is the column's share of the model's skill; None where it was not measured.
    """

    name: str
    psi: float
    effect: float = 0.0
    importance: float | None = None
    evidence: str = ""
    drifted: bool = False


@dataclass(frozen=True, kw_only=True)
class SegmentChange:
    """The segment whose rows changed most: ``by`` is its column, ``column`` the one that changed most.

    The segment's value is left out, because it is a value of rows.
    """

    by: str
    column: str
    effect: float
    gap: float


@dataclass(frozen=True, kw_only=True)
class Check:
    """A drift check of one version's traffic from ``begin`` to ``end``.

    ``predictions`` are the mean prediction, the share of positives and estimated metrics, by name. ``findings`` are
    sentences that hold no values of rows. ``execution`` counts the window while ``outcome`` is ``COUNTING``.
    """

    check_id: str
    model: str
    begin: str
    end: str
    version: int
    outcome: CheckOutcome
    rows: int
    worst: tuple[ColumnChange, ...]
    package_arn: str | None = None
    execution: str | None = None
    files: int = 0
    records: int = 0
    corrupt_records: int = 0
    damaged_files: int = 0
    duplicates: int = 0
    predictions: Mapping[str, float] | None = None
    findings: tuple[str, ...] = ()
    worst_segment: SegmentChange | None = None


class QualityOutcome(StrEnum):
    HELD = "held"
    LOST = "lost"
    INSUFFICIENT_LABELS = "insufficient_labels"
    NOT_EVALUATED = "not_evaluated"


@dataclass(frozen=True, kw_only=True)
class QualityHour:
    """The quality of one version's predictions of an hour, measured with labels.

    ``metric`` is the gate's; ``loss`` is a share of its value at evaluation, ``gap`` how much worse the worst segment
    is than all rows, in the metric's unit. ``worst_segment`` is a column's name. ``cut`` is true if the hour has
    more labels than one function reads.
    """

    model: str
    version: int
    window: str
    begin: str
    end: str
    labels: int
    rows: int
    unreadable_labels: int
    damaged_label_files: int
    cut: bool
    outcome: QualityOutcome
    metric: str
    metrics: Mapping[str, float]
    evaluated: Mapping[str, float]
    loss: float | None
    gap: float | None
    worst_segment: str | None
