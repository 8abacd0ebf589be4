"""What a comparison means: whether a window of traffic has drifted, and what matters most."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.interface.settings import Drift
from pipelines.statistics.comparison import ColumnComparison, Comparison
from pipelines.statistics.profile import PREDICTION

STABLE, WARNING, DRIFT = "stable", "warning", "drift"
INSUFFICIENT_DATA, BROKEN_INPUT = "insufficient_data", "broken_input"
MAX_CORRUPT_SHARE = 0.01
MAX_UNREADABLE_SHARE = 0.5
WARNING_EFFECT = 0.5
"""Of the least effect of drift: from there on a change beyond chance is worth a warning."""
BEYOND_USUAL = 1.5
"""How much larger an effect is than the largest of any month of the training, before it counts."""
MIN_NEW_SHARE = 0.005
"""Share of rows beyond which what the reference never had counts, however small the distance that it makes."""
MIN_IMPORTANCE = 0.01
"""Share of the model's skill below which a feature's drift is worth a warning, and no retraining."""
MAX_UNSEEN_SHARE = 0.5
"""Share of rows outside of all that the reference held, beyond which a feature's importance, measured inside, says
nothing: there the model extrapolates."""


@dataclass(frozen=True, kw_only=True)
class ColumnVerdict:
    """A column of the comparison. ``importance`` is None where it was not measured, as for one whose rows now
    lie mostly outside of what the reference held; the prediction's own is 1.

    ``changed`` is beyond chance and worth a word, ``drifted`` is large as well and matters to the model.
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
        """How much the column's change matters to the model: effect times importance."""
        return self.column.effect * (1.0 if self.importance is None else self.importance)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """``columns`` are ranked: drifted ones first, then changed ones, by what matters most to the model; in
    each group the model's own output stands last, for it follows from the others.

    ``findings`` are in words, name what is broken or odd, and hold no values of rows.
    """

    outcome: str
    rows: int
    columns: list[ColumnVerdict]
    findings: list[str] = field(default_factory=list)

    @property
    def worst(self) -> list[dict[str, Any]]:
        """The changed columns, drifted ones first, as events and the ledger hold them."""
        return [
            {
                "name": judged.name,
                "effect": round(judged.column.effect, 4),
                "psi": round(judged.column.psi, 4),
                "importance": None if judged.importance is None else round(judged.importance, 4),
                "evidence": judged.column.evidence,
                "drifted": judged.drifted,
            }
            for judged in self.columns
            if judged.changed
        ]

    def to_document(self) -> dict[str, Any]:
        columns = [
            {
                **asdict(judged.column),
                "changed": judged.changed,
                "drifted": judged.drifted,
                "importance": judged.importance,
            }
            for judged in self.columns
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
    """What a window means.

    A column has drifted if its change is beyond chance at the rules' false alarm rate, over all columns; if it is at
    least as large as their least effect and larger than what was usual in training, or brings enough of what the
    reference never had; and if the column matters to the model. Drift is called if a drifted column has changed in all
    of the last ``rules.persistence`` windows; else it is a warning, as is a change beyond chance that is half as large.
    Broken input (a feature that does not come, too many unreadable records) is no drift: a retraining would not help.

    Parameters
    ----------
    records, corrupt
        How many lines of the capture can be read, and how many cannot.
    importance
        Each feature's share of the model's skill; None where it was not measured: then every feature matters.
    usual
        How far each column was from the whole in some month of the training; None where that is not known.
    earlier
        The names of the changed columns in each of the windows before, the latest first.
    """
    columns = [_judged(column, rules, importance or {}, usual or {}) for column in comparison.columns]
    broken = [*_broken(comparison)]
    if corrupt > MAX_CORRUPT_SHARE * (records + corrupt):
        broken.append(f"{corrupt} of {records + corrupt} captured records cannot be read")
    findings = [*broken, *_findings(comparison)]
    if comparison.rows < rules.min_rows:
        outcome = BROKEN_INPUT if corrupt and broken else INSUFFICIENT_DATA
        findings.insert(0, f"{comparison.rows} rows, {rules.min_rows} wanted")
    elif broken:
        outcome = BROKEN_INPUT
    else:
        outcome = _outcome(columns, rules, earlier)
    ranked = sorted(
        columns,
        key=lambda judged: (
            not judged.drifted,
            not judged.changed,
            judged.name == PREDICTION,
            -judged.weight,
            -judged.column.effect,
            judged.name,
        ),
    )
    return Decision(outcome=outcome, rows=comparison.rows, columns=ranked, findings=findings)


def _judged(
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
    """The largest share of one sort of rows of which the reference had none."""
    now, before = column.now, column.before
    sorts = ("strange", "missing", "infinite", "unreadable")
    return max(now.share(sort) for sort in sorts if not getattr(before, sort)) if before.rows else 0.0


def _outcome(columns: Sequence[ColumnVerdict], rules: Drift, earlier: Sequence[Collection[str]]) -> str:
    before = earlier[: rules.persistence - 1]
    if any(
        judged.drifted and len(before) == rules.persistence - 1 and all(judged.name in names for names in before)
        for judged in columns
    ):
        return DRIFT
    return WARNING if any(judged.changed for judged in columns) else STABLE


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
            yield f"{column.name} lies beyond all that the model was trained on in {now.share('unseen'):.0%} of rows"
        if column.name == PREDICTION and 0 < now.missing < now.rows:
            yield f"{now.missing} rows have no prediction"
    if gone and comparison.unexpected:
        yield f"columns came that the baseline does not have: {', '.join(sorted(comparison.unexpected))}"
