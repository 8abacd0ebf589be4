"""Copies of a commit's rows that retraining runs left in the artifacts bucket, and the runs that made them.

A run keeps the rows that it trained on and held out, the golden requests, examples of broken rules, and the list of the
contents that it read. Metrics, profiles, reports and the trained artifact are not erased: they are no rows, though a
model was trained on them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.aws.ledger import Ledger
from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.versions import Version, list_versions
from pipelines.interface import keys
from pipelines.interface.paths import RunFiles


@dataclass(frozen=True, kw_only=True)
class RunName:
    model: str
    run_id: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that was planned from a commit. ``package_arn`` is the package that it registered, or None."""

    model: str
    run_id: str
    ended: bool
    package_arn: str | None


def runs_of(ledger: Ledger, dataset: str, commit_ids: Iterable[str]) -> list[Run]:
    """Return the runs that were planned from any of the commits, in order of models and ids."""
    found = {}
    for commit_id in commit_ids:
        for _, use in ledger.query(keys.commit_uses(dataset, commit_id)):
            run = ledger.get(keys.run(use.model, use.run_id))
            found[use.model, use.run_id] = Run(
                model=use.model,
                run_id=use.run_id,
                # A run without a record was never planned to its end.
                ended=run is None or run.outcome is not None,
                package_arn=run.package_arn if run else None,
            )
    return [found[name] for name in sorted(found)]


def copies_of(artifacts: Bucket, run: Run) -> Iterator[Version]:
    """Yield every version of every copy of rows that the run left."""
    for prefix in RunFiles(run.model, run.run_id).copies_of_rows:
        yield from list_versions(artifacts, prefix)
