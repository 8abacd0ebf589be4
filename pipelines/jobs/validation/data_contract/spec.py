"""The parts of a data contract; docs/reference/contract.md says how it is written."""

from dataclasses import dataclass

import pandas as pd

from pipelines.jobs.validation.data_contract.rules import Rule

TYPES = ("category", "number", "integer", "time")
ROLES = ("feature", "label", "record")

Bound = float | pd.Timestamp


@dataclass(frozen=True, kw_only=True)
class Column:
    """Rules of one column; ``min`` and ``max`` are inclusive.

    ``role`` is ``feature`` (the model's input), ``label`` (what it predicts) or ``record`` (neither).
    """

    role: str
    type: str
    nullable: bool = False
    max_null_share: float | None = None
    unique: bool = False
    min: Bound | None = None
    max: Bound | None = None
    allowed: tuple[str | float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """Largest age of the newest value in a time column, counted back from the commit's time."""

    column: str
    max_age_days: float


@dataclass(frozen=True, kw_only=True)
class DataContract:
    """Contract of a dataset. ``min_rows`` is the smallest number of rows of all files together."""

    min_rows: int
    columns: dict[str, Column]
    segments: tuple[str, ...] = ()
    """Categorical columns whose values divide the evaluation into segments."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Keys of several columns: no two rows agree in all columns of a key."""
    freshness: Freshness | None = None
    rules: tuple[Rule, ...] = ()
    sha256: str = ""
    """Digest of the file's bytes, in hexadecimal."""

    @property
    def features(self) -> list[str]:
        """The columns of a request to the endpoint, in order."""
        return [name for name, column in self.columns.items() if column.role == "feature"]

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """All keys, including those of a single column."""
        return [*((name,) for name, column in self.columns.items() if column.unique), *self.unique]
