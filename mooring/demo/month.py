"""The results of a month in the year's story, and the tables of all months."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHOWN_COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class ChangedColumn:
    """A column that changed in the month's check."""

    name: str
    effect: float
    drifted: bool


@dataclass(frozen=True, kw_only=True)
class Month:
    """One month's traffic to the old model, and the results of a model of the three months before.

    ``rows`` were sent, ``labelled`` of them have a label. ``changed`` is ranked by the check. ``measured`` is the old
    model's area under the curve from joined labels, ``estimated`` the check's estimate without labels. ``retrained``,
    ``gain`` (over the old model, 95 % interval) and ``verdict`` are of the retraining that held this month out; they
    are None for the first month, where the old model is the model of the three months before.
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
        """The area under the curve of the model of the three months before."""
        return self.measured if self.retrained is None else self.retrained

    @property
    def cost(self) -> float:
        """The area under the curve that the old model lacks, compared with ``fresh``."""
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
    "drifted, the most important first (effect)",
    "changed, but little or unimportant to the model",
)


def quality_table(months: Sequence[Month]) -> str:
    """Return a Markdown table of the old model's quality in each month, and of a newly trained one's."""
    return _table(QUALITY_HEADER, map(_quality, months))


def drift_table(months: Sequence[Month]) -> str:
    """Return a Markdown table of the findings of each month's check."""
    return _table(DRIFT_HEADER, map(_drift, months))


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; pipes are escaped, because they would end a cell."""
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
    """Return the first columns with their effects, and the number of the others."""
    parts = [f"{column.name} {column.effect:.2f}" for column in columns[:SHOWN_COLUMNS]]
    if len(columns) > SHOWN_COLUMNS:
        parts.append(f"{len(columns) - SHOWN_COLUMNS} more")
    return ", ".join(parts)
