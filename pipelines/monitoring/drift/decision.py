"""Decides from a comparison whether a window of traffic has drifted, and ranks the changed columns."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.interface.codec import Json, to_json
from pipelines.interface.records import CheckOutcome, ColumnChange
from pipelines.interface.settings import Drift
from pipelines.statistics.comparison import ColumnComparison, Comparison
from pipelines.statistics.profile import PREDICTION

MAX_CORRUPT_SHARE = 0.01
"""Largest share of corrupt records of a window that is not broken input."""
MAX_UNREADABLE_SHARE = 0.5
"""Largest share of unreadable values of a column that is not broken input, unless the reference had more."""
WARNING_EFFECT = 0.5
"""Share of ``min_effect`` from which a significant change is a warning."""
BEYOND_USUAL = 1.5
"""Factor by which an effect must exceed the column's largest effect in any month of the training."""
MIN_NEW_SHARE = 0.005
"""Share of rows from which a sort of rows that the reference never had is a change, whatever its effect."""
MIN_IMPORTANCE = 0.01
"""Share of the model's skill below which a feature's drift is only a warning and starts no retraining."""
MAX_UNSEEN_SHARE = 0.5
"""Share of rows outside of the reference's range above which a feature's importance is unknown.

Importance was measured inside that range; outside of it the model extrapolates.
"""


@dataclass(frozen=True, kw_only=True)
class ColumnVerdict:
    """The verdict on a column. ``changed`` is significant and at least a warning; ``drifted`` matters to the model too.

    ``importance`` is None if it was not measured, or if most rows are outside of the reference's range. That of the
    prediction is 1.
    """

    column: ColumnComparison
    changed: bool
    drifted: bool
    importance: float | None

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def weight(self) -> float:
        """The change's weight for the model: effect times importance."""
        return self.column.effect * (1.0 if self.importance is None else self.importance)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The decision on a window. ``columns`` are ranked: drifted ones first, then changed ones, each by weight.

    The prediction is the last in its group, because its change follows from those of the features. ``findings`` are
    sentences about broken or unusual input, without values of rows.
    """

    outcome: CheckOutcome
    rows: int
    columns: list[ColumnVerdict]
    findings: list[str] = field(default_factory=list)

    @property
    def worst(self) -> tuple[ColumnChange, ...]:
        """The changed columns, drifted ones first, as the ledger holds them."""
        return tuple(
            ColumnChange(
                name=verdict.name,
                effect=round(verdict.column.effect, 4),
                psi=round(verdict.column.psi, 4),
                importance=None if verdict.importance is None else round(verdict.importance, 4),
                evidence=verdict.column.evidence,
                drifted=verdict.drifted,
            )
            for verdict in self.columns
            if verdict.changed
        )

    def to_document(self) -> dict[str, Json]:
        columns = [
            {
                **to_json(verdict.column),
                "changed": verdict.changed,
                "drifted": verdict.drifted,
                "importance": verdict.importance,
            }
            for verdict in self.columns
        ]
        return {"outcome": self.outcome, "rows": self.rows, "columns": columns, "findings": self.findings}


def decide(
    comparison: Comparison,
    rules: Drift,
    *,
    records: int,
    corrupt: int,
    importance: Mapping[str, float] | None = None,
    usual: Mapping[str, float] | None = None,
    earlier: Sequence[Collection[str]] = (),
) -> Decision:
    """Decide on a window.

    A column has drifted if all of this holds:

    - Its change is significant at the rules' false alarm rate, over all columns.
    - Its effect is at least ``min_effect`` and larger than usual in training, or enough rows are of a sort that the
      reference never had.
    - The column matters to the model.

    The outcome is drift if a drifted column has changed in all of the last ``rules.persistence`` windows; else a
    warning. A significant change with half of ``min_effect`` is a warning too. Broken input (a missing feature, too
    many unreadable records) is not drift: a retraining would not help.

    Parameters
    ----------
    records, corrupt
        Numbers of the capture's readable and unreadable lines.
    importance
        Each feature's share of the model's skill; None if it was not measured: then every feature matters.
    usual
        Each column's largest effect between a month of the training and the whole; None if unknown.
    earlier
        The names of the changed columns in each of the earlier windows, the latest first.
    """
    columns = [_verdict(column, rules, importance or {}, usual or {}) for column in comparison.columns]
    broken = [*_broken(comparison)]
    if corrupt > MAX_CORRUPT_SHARE * (records + corrupt):
        broken.append(f"{corrupt} of {records + corrupt} captured records cannot be read")
    findings = [*broken, *_findings(comparison)]
    if comparison.rows < rules.min_rows:
        outcome = CheckOutcome.BROKEN_INPUT if corrupt and broken else CheckOutcome.INSUFFICIENT_DATA
        findings.insert(0, f"{comparison.rows} rows, {rules.min_rows} wanted")
    elif broken:
        outcome = CheckOutcome.BROKEN_INPUT
    else:
        outcome = _outcome(columns, rules, earlier)
    ranked = sorted(
        columns,
        key=lambda verdict: (
            not verdict.drifted,
            not verdict.changed,
            verdict.name == PREDICTION,
            -verdict.weight,
            -verdict.column.effect,
            verdict.name,
        ),
    )
    return Decision(outcome=outcome, rows=comparison.rows, columns=ranked, findings=findings)


def _verdict(
    column: ColumnComparison, rules: Drift, importance: Mapping[str, float], usual: Mapping[str, float]
) -> ColumnVerdict:
    beyond_usual = BEYOND_USUAL * usual.get(column.name, 0.0)
    share = 1.0 if column.name == PREDICTION else None if _is_elsewhere(column) else importance.get(column.name)
    matters = share is None or share >= MIN_IMPORTANCE
    beyond_chance = column.rate <= rules.false_alarm_rate
    new = _new_share(column) >= MIN_NEW_SHARE
    return ColumnVerdict(
        column=column,
        changed=beyond_chance and (new or column.effect >= max(WARNING_EFFECT * rules.min_effect, beyond_usual)),
        drifted=beyond_chance and (new or column.effect >= max(rules.min_effect, beyond_usual)) and matters,
        importance=share,
    )


def _is_elsewhere(column: ColumnComparison) -> bool:
    return column.now.share("unseen") > MAX_UNSEEN_SHARE


def _new_share(column: ColumnComparison) -> float:
    """Return the largest share of a sort of rows of which the reference had none."""
    now, before = column.now, column.before
    sorts = ("strange", "missing", "infinite", "unreadable")
    return max(now.share(sort) for sort in sorts if not getattr(before, sort)) if before.rows else 0.0


def _outcome(columns: Sequence[ColumnVerdict], rules: Drift, earlier: Sequence[Collection[str]]) -> CheckOutcome:
    before = earlier[: rules.persistence - 1]
    if any(
        verdict.drifted and len(before) == rules.persistence - 1 and all(verdict.name in names for names in before)
        for verdict in columns
    ):
        return CheckOutcome.DRIFT
    return CheckOutcome.WARNING if any(verdict.changed for verdict in columns) else CheckOutcome.STABLE


def _broken(comparison: Comparison) -> Iterator[str]:
    for column in comparison.columns:
        now, before = column.now, column.before
        if not now.rows:
            continue
        if now.absent == now.rows:
            yield f"feature {column.name} is missing from all requests"
        elif now.missing == now.rows and before.missing < before.rows:
            yield f"{column.name} has no value in any row"
        elif now.share("unreadable") > MAX_UNREADABLE_SHARE >= before.share("unreadable"):
            yield f"{column.name} is no {column.kind} in {now.unreadable} of {now.rows} rows"


def _findings(comparison: Comparison) -> Iterator[str]:
    gone = False
    for column in comparison.columns:
        now = column.now
        gone = gone or now.absent > 0
        if 0 < now.absent < now.rows:
            yield f"feature {column.name} is missing from {now.absent} of {now.rows} rows"
        if now.infinite:
            yield f"{column.name} is infinite in {now.infinite} rows"
        if 0 < now.share("unreadable") <= MAX_UNREADABLE_SHARE:
            yield f"{column.name} is no {column.kind} in {now.unreadable} rows"
        if now.unseen and column.kind == "category":
            yield f"{column.name} is a category that the baseline does not list in {now.unseen} rows"
        if _is_elsewhere(column) and column.kind != "category":
            yield f"{column.name} is outside of all values in training in {now.share('unseen'):.0%} of rows"
        if column.name == PREDICTION and 0 < now.missing < now.rows:
            yield f"{now.missing} rows have no prediction"
    if gone and comparison.unexpected:
        yield f"requests have columns that the baseline lacks: {', '.join(sorted(comparison.unexpected))}"
