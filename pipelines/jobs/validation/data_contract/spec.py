"""What a data contract holds; docs/reference/contract.md says how it is written."""

from dataclasses import dataclass

import pandas as pd

from pipelines.jobs.validation.data_contract.rules import Rule

TYPES = ("category", "number", "integer", "time")
ROLES = ("feature", "label", "record")


@dataclass(frozen=True, kw_only=True)
class Column:
    """``role``: what the model is given, what it predicts, or neither. ``min`` and ``max`` are inclusive."""

    role: str
    type: str
    nullable: bool = False
    max_null_share: float | None = None
    unique: bool = False
    min: float | pd.Timestamp | None = None
    max: float | pd.Timestamp | None = None
    allowed: tuple[str, ...] | tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The newest value of a time column is at most so much older than the commit."""

    column: str
    max_age_days: float


@dataclass(frozen=True, kw_only=True)
class DataContract:
    min_rows: int
    columns: dict[str, Column]
    segments: tuple[str, ...] = ()
    """Categorical columns by whose values the evaluation is broken down."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Keys: no two rows agree in all columns of one."""
    freshness: Freshness | None = None
    rules: tuple[Rule, ...] = ()
    sha256: str = ""
    """Of the file's bytes."""

    @property
    def features(self) -> list[str]:
        """The columns that the endpoint is asked with, in order."""
        return [name for name, column in self.columns.items() if column.role == "feature"]

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """All keys, those of a single column included."""
        return [*((name,) for name, column in self.columns.items() if column.unique), *self.unique]
