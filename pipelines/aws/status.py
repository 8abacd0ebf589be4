"""Copies the newest state of a model into one item, after one of its records was written.

The item is made of the records each time, so an item that is missing or old becomes right with the next record.
"""

from pipelines.aws.ledger import Ledger
from pipelines.interface import keys
from pipelines.interface.records import ModelStatus

MAX_CAUSE = 300
"""Number of characters of a cause that the copy keeps."""
SEARCHED = 10
"""Number of the newest checks among which that of the champion is looked for: versions that served share a window."""


def record_status(ledger: Ledger, model: str) -> None:
    ledger.record(keys.status(model), read_status(ledger, model))


def read_status(ledger: Ledger, model: str) -> ModelStatus:
    """Return a model's newest state from its records."""
    champion = ledger.get(keys.champion(model))
    version = champion.version if champion else 0
    run = next(iter(ledger.latest(keys.runs(model), 1)), None)
    release = next(iter(ledger.latest(keys.releases(model), 1)), None)
    check = next((each for each in ledger.latest(keys.checks(model), SEARCHED) if each.version == version), None)
    hours = ledger.latest(keys.quality_hours(model), SEARCHED)
    quality = next((each for each in hours if each.version == version), None)
    return ModelStatus(
        model=model,
        champion=champion.version if champion else None,
        since=champion.since if champion else None,
        run=run.run_id if run else None,
        run_outcome=run.outcome if run else None,
        run_cause=run.cause[:MAX_CAUSE] if run else "",
        release=release.release_id if release else None,
        release_outcome=release.outcome if release else None,
        release_cause=release.cause[:MAX_CAUSE] if release else "",
        check=check.check_id if check else None,
        check_outcome=check.outcome if check else None,
        checked_from=check.begin if check else None,
        checked_to=check.end if check else None,
        changed_columns=tuple(column.name for column in check.worst if column.drifted) if check else (),
        quality_outcome=quality.outcome if quality else None,
    )
