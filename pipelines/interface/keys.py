"""The keys of the ledger: one DynamoDB table per environment, partition key ``pk``, sort key ``sk``, both strings.

A ``Key`` has the type of its item, so that the ledger returns records. ``Items`` are the items of one partition whose
sort keys have the same prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.interface import records
from pipelines.interface.landing import landing_pk

R = TypeVar("R")


@dataclass(frozen=True)
class Key(Generic[R]):
    """The place of one item, which is a ``kind``."""

    pk: str
    sk: str
    kind: type[R]


@dataclass(frozen=True)
class Items(Generic[R]):
    """The place of all items of ``pk`` whose sort keys begin with ``prefix``; each is a ``kind``."""

    pk: str
    prefix: str
    kind: type[R]

    def beginning(self, text: str) -> Items[R]:
        """Return the items whose sort keys continue with ``text``."""
        return Items(self.pk, self.prefix + text, self.kind)

    def key(self, rest: str) -> Key[R]:
        return Key(self.pk, self.prefix + rest, self.kind)


def dataset_pk(dataset: str) -> str:
    """Return the partition of a dataset; people may write to the partitions of datasets only."""
    return f"dataset#{dataset}"


def model_pk(model: str) -> str:
    return f"model#{model}"


# -- a model --------------------------------------------------------------------------------------------------------


def lease(model: str) -> Key[records.Lease]:
    return Key(model_pk(model), "lease", records.Lease)


def champion(model: str) -> Key[records.Champion]:
    return Key(model_pk(model), "champion", records.Champion)


def release_lock(model: str) -> Key[records.ReleaseLock]:
    return Key(model_pk(model), "release-lock", records.ReleaseLock)


def runs(model: str) -> Items[records.Run]:
    """Return a model's runs by their ids, which sort by their start: ``yyyymmddThhmmssZ-<hash>``."""
    return Items(model_pk(model), "run#", records.Run)


def run(model: str, run_id: str) -> Key[records.Run]:
    return runs(model).key(run_id)


def refusals(model: str) -> Items[records.Refusal]:
    """Return a model's refused triggers by ``<moment>#<trigger id>``."""
    return Items(model_pk(model), "refusal#", records.Refusal)


def releases(model: str) -> Items[records.Release]:
    return Items(model_pk(model), "release#", records.Release)


def release(model: str, release_id: str) -> Key[records.Release]:
    return releases(model).key(release_id)


def approval(model: str, version: int, approved_at: str) -> Key[records.ConsumedApproval]:
    return Key(model_pk(model), f"approval#{version:06d}#{approved_at}", records.ConsumedApproval)


def consumed_records(model: str) -> Items[records.ConsumedRecord]:
    """Return the release records that were imported for a model, by their digests."""
    return Items(model_pk(model), "record#", records.ConsumedRecord)


def consumed_record(model: str, digest: str) -> Key[records.ConsumedRecord]:
    return consumed_records(model).key(digest)


def pinned_signer(environment_id: str) -> Key[records.PinnedSigner]:
    """Return the key of the signer of the release records of the environment ``environment_id``."""
    return Key("signers", environment_id, records.PinnedSigner)


def retirements(model: str) -> Items[records.Retirement]:
    """Return a model's retirements by their ids, which sort by their start."""
    return Items(model_pk(model), "retirement#", records.Retirement)


def checks(model: str) -> Items[records.Check]:
    """Return a model's drift checks by their ids, which sort by the window's end."""
    return Items(model_pk(model), "check#", records.Check)


def check(model: str, check_id: str) -> Key[records.Check]:
    return checks(model).key(check_id)


def quality_hours(model: str) -> Items[records.QualityHour]:
    """Return a model's measured hours by ``<window>#v<version>``; windows sort by their end."""
    return Items(model_pk(model), "quality#", records.QualityHour)


def quality_hour(model: str, window: str, version: int) -> Key[records.QualityHour]:
    return quality_hours(model).key(f"{window}#v{version:06d}")


def statuses() -> Items[records.ModelStatus]:
    """Return the newest states of all models by the models' names: one partition holds them."""
    return Items("status", "model#", records.ModelStatus)


def status(model: str) -> Key[records.ModelStatus]:
    return statuses().key(model)


def execution(arn: str) -> Key[records.Execution]:
    return Key(f"execution#{arn}", "execution", records.Execution)


# -- a dataset -------------------------------------------------------------------------------------------------------


def head(dataset: str) -> Key[records.Head]:
    """Return the key of a dataset's head, which moves by a conditional write only."""
    return Key(dataset_pk(dataset), "head", records.Head)


def commits(dataset: str) -> Items[records.CommitRecord]:
    """Return a dataset's commits by their ids; a commit is recorded before the head moves to it."""
    return Items(dataset_pk(dataset), "commit#", records.CommitRecord)


def commit(dataset: str, commit_id: str) -> Key[records.CommitRecord]:
    return commits(dataset).key(commit_id)


def tombstones(dataset: str) -> Items[records.Tombstone]:
    """Return the commits that were rewritten, by their old ids."""
    return Items(dataset_pk(dataset), "tombstone#", records.Tombstone)


def tombstone(dataset: str, commit_id: str) -> Key[records.Tombstone]:
    return tombstones(dataset).key(commit_id)


def forgetting(dataset: str, forgetting_id: str) -> Key[records.ForgettingRecord]:
    return Key(dataset_pk(dataset), f"forgetting#{forgetting_id}", records.ForgettingRecord)


def commit_uses(dataset: str, commit_id: str) -> Items[records.CommitUse]:
    """Return the runs that were planned from a commit, by ``<model>#<run id>``."""
    return Items(f"commit#{dataset}#{commit_id}", "run#", records.CommitUse)


def commit_use(dataset: str, commit_id: str, model: str, run_id: str) -> Key[records.CommitUse]:
    return commit_uses(dataset, commit_id).key(f"{model}#{run_id}")


def landing_lock(dataset: str) -> Key[records.LandingLockState]:
    return Key(landing_pk(dataset), "turn", records.LandingLockState)


def landing_batch(dataset: str, time: str, batch_id: str) -> Key[records.LandingBatch]:
    """Return the key of a batch of landed files.

    ``batch_id`` is the id of the commit that the batch made; if it made none, a digest of the files' versions.
    """
    return Key(landing_pk(dataset), f"batch#{time}#{batch_id}", records.LandingBatch)
