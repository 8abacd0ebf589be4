"""What the year's story gathers of a month, and the tables that it makes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHOWN_COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class ChangedColumn:
    """A column that the month's check says has changed."""

    name: str
    effect: float
    drifted: bool


@dataclass(frozen=True, kw_only=True)
class Month:
    """One month's traffic to the old model, and what a model of the three months before it would have done.

    ``rows`` were sent, ``labelled`` of them have a label. ``changed`` is ranked by the check. ``measured`` is the old
    model's area under the curve from joined labels, ``estimated`` the check's estimate without any. ``retrained``,
    ``gain`` (of it over the old model, 95 % interval) and ``verdict`` are of the retraining that held this month out;
    they are None where the old model itself is that one.
    """

    name: str
    rows: int
    labelled: int
    outcome: str
    changed: tuple[ChangedColumn, ...]
    measured: float
    quality: str
    estimated: float
    retrained: float | None
    gain: tuple[float, float] | None
    verdict: str | None

    @property
    def drifted(self) -> list[str]:
        return [column.name for column in self.changed if column.drifted]

    @property
    def fresh(self) -> float:
        """The area under the curve of the model of the three months before, which the old one once was itself."""
        return self.measured if self.retrained is None else self.retrained

    @property
    def cost(self) -> float:
        """What the old model lacks."""
        return self.fresh - self.measured


QUALITY_HEADER = (
    "month",
    "flights",
    "labels joined",
    "old model: AUC, quality",
    "estimated without labels",
    "retrained: AUC",
    "cost of drift (95 % interval)",
    "gate",
)
DRIFT_HEADER = (
    "month",
    "check",
    "drifted, what matters most first (effect)",
    "changed, but small or of no weight to the model",
)


def quality_table(months: Sequence[Month]) -> str:
    """In Markdown: how good the old model was every month, and what a fresh one would have been."""
    return _table(QUALITY_HEADER, map(_quality, months))


def drift_table(months: Sequence[Month]) -> str:
    """In Markdown: what every month's check found."""
    return _table(DRIFT_HEADER, map(_drift, months))


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A pipe in a name would end its cell, so it is escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _quality(month: Month) -> tuple[str, ...]:
    retrained, cost = "the same model", ""
    if month.retrained is not None and month.gain:
        retrained = f"{month.retrained:.3f}"
        cost = f"{month.cost:+.3f} ({month.gain[0]:+.3f} to {month.gain[1]:+.3f})"
    return (
        month.name,
        f"{month.rows:,}",
        f"{month.labelled:,}",
        f"{month.measured:.3f}, {month.quality.replace('_', ' ')}",
        f"{month.estimated:.3f}",
        retrained,
        cost,
        month.verdict or "",
    )


def _drift(month: Month) -> tuple[str, ...]:
    others = sorted((column for column in month.changed if not column.drifted), key=lambda column: -column.effect)
    drifted = [column for column in month.changed if column.drifted]
    return month.name, month.outcome.replace("_", " "), shown(drifted), shown(others)


def shown(columns: Sequence[ChangedColumn]) -> str:
    """The first few columns with their effects, and how many others there are."""
    parts = [f"{column.name} {column.effect:.2f}" for column in columns[:SHOWN_COLUMNS]]
    if len(columns) > SHOWN_COLUMNS:
        parts.append(f"{len(columns) - SHOWN_COLUMNS} more")
    return ", ".join(parts)
