"""The history resolves names of commits: places, digits of ids, and rewritten commits."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.datasets.commits.commits import Commit, NoDataError
from pipelines.datasets.commits.history import AmbiguousCommitError, RewrittenCommitError
from pipelines.interface import keys
from pipelines.interface.records import Tombstone
from tests.support.memory_cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def history(cloud: Cloud, tmp_path: Path) -> list[Commit]:
    """Make three commits; return them newest first."""
    dataset = cloud.dataset()
    for month in ("january", "february", "march"):
        (tmp_path / month).write_text(f"x\n{month}\n")
        dataset.commit({f"{month}.csv": tmp_path / month}, author="a", message=month)
    return list(dataset.log())


def test_resolves_places_and_first_digits(cloud: Cloud, history: list[Commit]) -> None:
    dataset = cloud.dataset()
    assert [dataset.resolve(text) for text in ("HEAD", "HEAD~1", "HEAD~2")] == history
    assert [dataset.resolve(commit.id[:8]) for commit in history] == history
    for text in ("HEAD~3", "HEAD~", "HEAD~x", "HEAD^", "head", history[0].id[:5], "0" * 64, "", "zzzzzz"):
        with pytest.raises(NoDataError):
            dataset.resolve(text)


def test_digits_of_several_commits_are_ambiguous(cloud: Cloud, history: list[Commit]) -> None:
    ledger, old = cloud.dataset().ledger, history[1]
    twin = old.id[:10] + "f" * 54
    record = ledger.get(keys.commit("d", old.id))
    newest = ledger.get(keys.commit("d", history[0].id))
    assert record
    assert newest
    ledger.create(keys.commit("d", twin), record)
    assert cloud.dataset().resolve(old.id[:8]) == old, "a commit that never became a head is not in the history"
    ledger.replace(keys.commit("d", history[0].id), replace(newest, parent=twin), expected={"parent": old.id})
    ledger.replace(keys.commit("d", twin), replace(record, parent=old.id), expected={"parent": record.parent})
    with pytest.raises(AmbiguousCommitError):
        cloud.dataset().resolve(old.id[:8])


def test_rewritten_commit_gives_its_replacement_only_if_followed(cloud: Cloud, history: list[Commit]) -> None:
    ledger = cloud.dataset().ledger
    for old, new in (("1" * 64, "2" * 64), ("2" * 64, history[0].id)):
        tombstone = Tombstone(new=new, time="2026-01-01T00:00:00Z", by="op", reason="asked")
        ledger.create(keys.tombstone("d", old), tombstone)
    with pytest.raises(RewrittenCommitError) as refused:
        cloud.dataset().resolve("111111")
    assert refused.value.new == "2" * 64
    assert cloud.dataset().resolve("111111", follow=True) == history[0]


def test_digits_of_several_rewritten_commits_are_ambiguous(cloud: Cloud, history: list[Commit]) -> None:
    ledger = cloud.dataset().ledger
    for old in ("1" * 64, "1" * 63 + "2"):
        tombstone = Tombstone(new=history[0].id, time="2026-01-01T00:00:00Z", by="op", reason="asked")
        ledger.create(keys.tombstone("d", old), tombstone)
    with pytest.raises(AmbiguousCommitError, match="rewritten commits"):
        cloud.dataset().resolve("111111", follow=True)
