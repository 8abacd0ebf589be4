"""Builds evaluations of a candidate, as a run's last job leaves them."""

from collections.abc import Mapping
from typing import Any

from pipelines.interface.records import EvaluationReport, RowCount, SegmentEvaluation


def evaluation(**changes: Any) -> EvaluationReport:
    """Return an evaluation without a champion; ``changes`` are other values of its fields."""
    values: dict[str, Any] = {
        "task": "classification",
        "target": "late",
        "metric": "auc",
        "rows": 1000,
        "candidate": {"auc": 0.75, "brier": 0.2},
        "champion": None,
        "gain": None,
        "segments": (segment("JFK", {"auc": 0.7}),),
        "baseline": RowCount(rows=5000),
        "golden": RowCount(rows=8),
        "candidate_sha256": "a" * 64,
    }
    return EvaluationReport(**{**values, **changes})


def segment(value: str, metrics: Mapping[str, float], rows: int = 300) -> SegmentEvaluation:
    """Return the metrics on the rows of one origin."""
    return SegmentEvaluation(column="origin", value=value, rows=rows, candidate=metrics, champion=None)
