"""Copies of a commit's rows that retraining runs left in the artifacts bucket, and the runs that made them.

A run keeps what it trained on and held out, the golden requests, examples of broken rules, and which contents it read.
Metrics, profiles, reports and the trained artifact stay: they are no rows, though a model has learned from them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.aws.ledger import Ledger
from pipelines.aws.s3 import Bucket
from pipelines.datasets.commits.versions import Version, list_versions
from pipelines.interface import keys
from pipelines.interface.paths import RUN_COPIES, run_prefix


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that was planned from a commit. ``package_arn`` is what it registered, if it did."""

    model: str
    run_id: str
    ended: bool
    package_arn: str | None


def runs_of(ledger: Ledger, dataset: str, commit_ids: Iterable[str]) -> list[Run]:
    """The runs that were planned from any of the commits, in order."""
    found = {}
    for commit_id in commit_ids:
        for use in ledger.query(keys.commit_pk(dataset, commit_id), keys.USE):
            model, run_id = use["model"], use["run_id"]
            item = ledger.get(keys.model_pk(model), keys.run_sk(run_id)) or {}
            # Without an item of its own the run was never planned to its end.
            ended = not item or bool(item.get("outcome"))
            found[model, run_id] = Run(model=model, run_id=run_id, ended=ended, package_arn=item.get("package_arn"))
    return [found[name] for name in sorted(found)]


def copies_of(artifacts: Bucket, run: Run) -> Iterator[Version]:
    """Every version of every copy that the run left."""
    prefix = run_prefix(run.model, run.run_id)
    for name in RUN_COPIES:
        yield from list_versions(artifacts, f"{prefix}{name}")
