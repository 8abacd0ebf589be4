"""The newest state of a model, copied from its other records so that one query reads a fleet."""

from dataclasses import dataclass

from pipelines.interface.records.checks import CheckOutcome, QualityOutcome
from pipelines.interface.records.releases import ReleaseOutcome
from pipelines.interface.records.runs import RunOutcome


@dataclass(frozen=True, kw_only=True)
class ModelStatus:
    """The champion of a model, and its newest run, release, check and measured hour; None where there is none.

    ``run`` and ``release`` have an id and no outcome while they are under way. ``check`` and ``quality`` are of the
    champion; ``checked_from`` and ``checked_to`` are the ends of the window that was checked.
    """

    model: str
    champion: int | None = None
    since: str | None = None
    run: str | None = None
    run_outcome: RunOutcome | None = None
    run_cause: str = ""
    release: str | None = None
    release_outcome: ReleaseOutcome | None = None
    release_cause: str = ""
    check: str | None = None
    check_outcome: CheckOutcome | None = None
    checked_from: str | None = None
    checked_to: str | None = None
    changed_columns: tuple[str, ...] = ()
    quality_outcome: QualityOutcome | None = None
