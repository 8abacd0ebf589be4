"""What the year's story gathers of a month, and the table that it makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class Changed:
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
    changed: tuple[Changed, ...]
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


HEADER = (
    "month",
    "flights",
    "check",
    "drifted, what matters most first (effect)",
    "changed, but small or of no weight to the model",
    "AUC, labels joined; quality",
    "AUC, estimated without labels",
    "AUC, retrained",
    "cost of drift (95 % interval)",
    "gate",
)


def table(months: Sequence[Month]) -> str:
    """The months as a table in Markdown; a pipe in a name would end its cell, so it is escaped."""
    lines = [HEADER, tuple("---" for _ in HEADER), *map(_cells, months)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _cells(month: Month) -> tuple[str, ...]:
    retrained, cost = "the same model", ""
    if month.retrained is not None and month.gain:
        retrained = f"{month.retrained:.3f}"
        cost = f"{month.cost:+.3f} ({month.gain[0]:+.3f} to {month.gain[1]:+.3f})"
    return (
        month.name,
        f"{month.rows:,}",
        month.outcome.replace("_", " "),
        shown([column for column in month.changed if column.drifted]),
        shown(sorted((column for column in month.changed if not column.drifted), key=lambda column: -column.effect)),
        f"{month.measured:.3f}, {month.quality}",
        f"{month.estimated:.3f}",
        retrained,
        cost,
        month.verdict or "",
    )


def shown(columns: Sequence[Changed]) -> str:
    """The first few columns with their effects, and how many others there are."""
    parts = [f"{column.name} {column.effect:.2f}" for column in columns[:SHOWN_COLUMNS]]
    if len(columns) > SHOWN_COLUMNS:
        parts.append(f"{len(columns) - SHOWN_COLUMNS} more")
    return ", ".join(parts)
