"""How far a window of traffic has moved from the baseline, per column, and what is decided from it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pipelines.contract.settings import Drift
from pipelines.monitoring.profile import PREDICTION, Column, Profile, check_layout

STABLE, DRIFT, INSUFFICIENT_DATA, BROKEN_INPUT = "stable", "drift", "insufficient_data", "broken_input"
SMOOTHING = 0.5
"""Added to every bin of both profiles, so that an empty bin gives a finite PSI (Jeffreys' prior)."""
RARE_SHARE = 0.01
"""Categories below this share of the baseline are compared as one: many tiny bins make a large PSI out of noise."""
MAX_CORRUPT_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """``unknown_share`` is of categories that the baseline does not list, or of text in a numeric column."""

    name: str
    psi: float
    missing_share: float
    infinite_share: float
    unknown_share: float
    drifted: bool


@dataclass(frozen=True, kw_only=True)
class Decision:
    """``columns`` is ranked, the most drifted first; ``findings`` are in words and name what is broken."""

    outcome: str
    rows: int
    columns: list[ColumnDrift]
    findings: list[str] = field(default_factory=list)

    @property
    def worst(self) -> list[dict[str, Any]]:
        """The drifted columns, as events and the ledger hold them."""
        return [{"name": column.name, "psi": round(column.psi, 4)} for column in self.columns if column.drifted]

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """Population stability index of two rows of counts over the same bins, in nats.

    The sum over bins of (q - p) ln(q / p) with smoothed shares p and q, which is Jeffreys' divergence.
    Source: Siddiqi, Credit Risk Scorecards (2006), chapter 8; Jeffreys, Proc. R. Soc. A 186 (1946) 453.

    Examples
    --------
    >>> psi([10, 20, 30], [10, 20, 30])
    0.0
    """
    p = (np.array(reference, dtype=np.float64) + SMOOTHING) / (sum(reference) + SMOOTHING * len(reference))
    q = (np.array(current, dtype=np.float64) + SMOOTHING) / (sum(current) + SMOOTHING * len(current))
    return float(np.sum((q - p) * np.log(q / p)))


def bins(column: Column, reference: Column) -> list[int]:
    """All of a column's rows as counts: its bins, rare categories as one, and what is missing, infinite or unknown."""
    rest = [column.missing, column.infinite, column.unknown]
    if reference.edges is not None:
        return [*column.counts, *rest]
    rare = [count < RARE_SHARE * reference.rows for count in reference.counts]
    frequent = [count for count, is_rare in zip(column.counts, rare, strict=True) if not is_rare]
    return [*frequent, sum(column.counts) - sum(frequent), *rest]


def compare(baseline: Profile, current: Profile, psi_threshold: float) -> list[ColumnDrift]:
    """Every column of the baseline against the window, the most drifted first.

    Raises
    ------
    LayoutMismatchError
        The window was not counted on the baseline's layout.
    """
    check_layout(baseline, current)
    found = []
    for name, reference in baseline.columns.items():
        column = current.columns[name]
        rows = max(column.rows, 1)
        value = psi(bins(reference, reference), bins(column, reference))
        found.append(
            ColumnDrift(
                name=name,
                psi=value,
                missing_share=column.missing / rows,
                infinite_share=column.infinite / rows,
                unknown_share=column.unknown / rows,
                drifted=value > psi_threshold,
            )
        )
    return sorted(found, key=lambda column: (-column.psi, column.name))


def decide(baseline: Profile, current: Profile, rules: Drift, *, records: int, corrupt: int) -> Decision:
    """What a window means: ``stable``, ``drift``, ``insufficient_data`` or ``broken_input``.

    Broken input (a feature that does not come, too many unreadable records) is no drift: a retraining would not help.
    ``records`` counts the capture's readable lines, ``corrupt`` the unreadable ones.
    """
    findings = _findings(current)
    broken = [
        f"feature {name} is missing from all requests"
        for name, column in current.columns.items()
        if current.rows and column.absent == current.rows
    ]
    if corrupt > MAX_CORRUPT_SHARE * (records + corrupt):
        broken.append(f"{corrupt} of {records + corrupt} captured records cannot be read")
    columns = compare(baseline, current, rules.psi_threshold)
    if current.rows < rules.min_rows:
        outcome = BROKEN_INPUT if corrupt and broken else INSUFFICIENT_DATA
        findings = [f"{current.rows} rows, {rules.min_rows} wanted", *findings]
    elif broken:
        outcome = BROKEN_INPUT
    else:
        outcome = DRIFT if sum(column.drifted for column in columns) >= rules.min_columns else STABLE
    return Decision(outcome=outcome, rows=current.rows, columns=columns, findings=[*broken, *findings])


def _findings(current: Profile) -> list[str]:
    found = []
    for name, column in current.columns.items():
        if 0 < column.absent < current.rows:
            found.append(f"feature {name} is missing from {column.absent} of {current.rows} rows")
        if column.infinite:
            found.append(f"{name} is infinite in {column.infinite} rows")
        if column.unknown:
            kind = "no number" if column.edges is not None else "a category that the baseline does not list"
            found.append(f"{name} is {kind} in {column.unknown} rows")
        if name == PREDICTION and column.missing:
            found.append(f"{column.missing} rows have no prediction")
    return found
