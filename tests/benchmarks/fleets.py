"""Fleets of any number of models, for measurements."""

from collections.abc import Sequence
from typing import Any


def document_of(models: int, *, stages: Sequence[str] = ("dev",)) -> dict[str, Any]:
    """Return the document of a fleet with one team, which has an environment in each stage."""
    return {
        "stages": [{"name": stage} for stage in stages],
        "teams": [
            {
                "name": "bench",
                "owners": ["bench@example.com"],
                "monthly_budget_usd": 100,
                "environments": [
                    {"stage": stage, "account": f"{number:012d}", "region": "us-east-1"}
                    for number, stage in enumerate(stages, 111111111111)
                ],
                "models": [
                    {
                        "name": f"model-{number:04d}",
                        "program": "late_arrival",
                        "dataset": "flights",
                        "task": "classification",
                        "target": "late",
                        "time_column": "scheduled_departure",
                        "gate": {"metric": "auc", "bound": 0.6},
                    }
                    for number in range(models)
                ],
            }
        ],
    }
