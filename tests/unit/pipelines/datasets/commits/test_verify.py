"""Verifying names each damage; history resolves what people write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.datasets.commits.commits import Commit, Dataset, InvalidCommitError, NoDataError
from pipelines.datasets.commits.history import AmbiguousCommitError, RewrittenCommitError
from pipelines.datasets.commits.verify import DamageKind
from pipelines.interface import keys
from pipelines.interface.paths import commit_key, object_key
from tests.support.memory_cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def history(cloud: Cloud, tmp_path: Path) -> list[Commit]:
    """Three commits, newest first."""
    dataset = cloud.dataset()
    for month in ("january", "february", "march"):
        (tmp_path / month).write_text(f"x\n{month}\n")
        dataset.commit({f"{month}.csv": tmp_path / month}, author="a", message=month)
    return list(dataset.log())


def overwrite(cloud: Cloud, key: str, change: Callable[[bytes], bytes]) -> None:
    content, checksum = cloud.objects[key][-1]
    cloud.objects[key].append((change(content), checksum))


def edited(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def apply(manifest: bytes) -> bytes:
        document = json.loads(manifest)
        change(document)
        return json.dumps(document).encode()

    return apply


def kinds(dataset: Dataset, commit: Commit | None = None) -> list[tuple[DamageKind, str]]:
    return [(damage.kind, damage.what) for damage in dataset.verify(commit)]


def test_sound_history_has_no_damage(cloud: Cloud, history: list[Commit]) -> None:
    assert kinds(cloud.dataset()) == [] == kinds(cloud.dataset(), history[1])


def test_flipped_byte_and_missing_object_are_named(cloud: Cloud, history: list[Commit]) -> None:
    flipped, gone = (object_key("d", file.sha256) for file in history[0].files[:2])
    overwrite(cloud, flipped, lambda content: bytes([content[0] ^ 1]) + content[1:])
    del cloud.objects[gone]
    expected = sorted([(DamageKind.CHANGED_OBJECT, flipped), (DamageKind.MISSING_OBJECT, gone)], key=lambda d: d[1])
    assert kinds(cloud.dataset()) == expected
    details = " ".join(damage.detail for damage in cloud.dataset().verify())
    assert all(file.path in details for file in history[0].files[:2])


def test_truncated_manifest_is_named_and_the_older_ones_are_still_looked_at(
    cloud: Cloud, history: list[Commit]
) -> None:
    key = commit_key("d", history[1].id)
    overwrite(cloud, key, lambda manifest: manifest[: len(manifest) // 2])
    del cloud.objects[object_key("d", history[2].files[0].sha256)]
    assert (DamageKind.TRUNCATED_MANIFEST, key) in kinds(cloud.dataset())
    assert DamageKind.MISSING_OBJECT in [kind for kind, _ in kinds(cloud.dataset())]


@pytest.mark.parametrize(
    "forge",
    [
        lambda document: document["files"].pop(),
        lambda document: document.update(author="somebody else"),
        lambda document: document["files"][0].update(rows=999),
        lambda document: document["files"][0].update(size_bytes=0),
        lambda document: document.update(files="none"),
    ],
)
def test_forged_manifest_is_named(cloud: Cloud, history: list[Commit], forge: Callable[[dict[str, Any]], None]) -> None:
    key = commit_key("d", history[1].id)
    overwrite(cloud, key, edited(forge))
    assert kinds(cloud.dataset()) == [(DamageKind.FORGED_MANIFEST, key)]


def test_manifest_that_is_whole_but_another_commits_is_forged(cloud: Cloud, history: list[Commit]) -> None:
    """Its ids are those of its content: only that it lies under another name tells."""
    other = cloud.objects[commit_key("d", history[2].id)][-1][0]
    overwrite(cloud, commit_key("d", history[0].id), lambda _: other)
    assert kinds(cloud.dataset())[0] == (DamageKind.FORGED_MANIFEST, commit_key("d", history[0].id))
    with pytest.raises(InvalidCommitError, match="is that of"):
        cloud.dataset().head()


def test_missing_manifest_is_named(cloud: Cloud, history: list[Commit]) -> None:
    del cloud.objects[commit_key("d", history[1].id)]
    assert kinds(cloud.dataset()) == [(DamageKind.MISSING_MANIFEST, commit_key("d", history[1].id))]


@pytest.mark.parametrize("name", ["parent", "tree", "time"])
def test_forged_record_is_named(cloud: Cloud, history: list[Commit], name: str) -> None:
    item = cloud.items[keys.dataset_pk("d"), keys.commit_sk(history[1].id)]
    item[name] = {"S": "forged"}
    assert kinds(cloud.dataset()) == [(DamageKind.FORGED_RECORD, history[1].id)]


def test_missing_record_and_forged_head_are_named(cloud: Cloud, history: list[Commit]) -> None:
    del cloud.items[keys.dataset_pk("d"), keys.commit_sk(history[1].id)]
    cloud.items[keys.dataset_pk("d"), keys.HEAD]["tree"] = {"S": "forged"}
    assert kinds(cloud.dataset()) == [
        (DamageKind.FORGED_RECORD, history[0].id),
        (DamageKind.MISSING_RECORD, history[1].id),
    ]


def test_people_name_commits_by_place_and_by_first_digits(cloud: Cloud, history: list[Commit]) -> None:
    dataset = cloud.dataset()
    assert [dataset.resolve(text) for text in ("HEAD", "HEAD~1", "HEAD~2")] == history
    assert [dataset.resolve(commit.id[:8]) for commit in history] == history
    for text in ("HEAD~3", "HEAD~", "HEAD~x", "HEAD^", "head", history[0].id[:5], "0" * 64, "", "zzzzzz"):
        with pytest.raises(NoDataError):
            dataset.resolve(text)


def test_digits_of_several_commits_are_ambiguous(cloud: Cloud, history: list[Commit]) -> None:
    pk, old = keys.dataset_pk("d"), history[1]
    twin = old.id[:10] + "f" * 54
    cloud.items[pk, keys.commit_sk(twin)] = {
        **cloud.items[pk, keys.commit_sk(old.id)],
        "sk": {"S": keys.commit_sk(twin)},
    }
    assert cloud.dataset().resolve(old.id[:8]) == old, "what never became a head is not in the history"
    cloud.items[pk, keys.commit_sk(history[0].id)]["parent"] = {"S": twin}
    cloud.items[pk, keys.commit_sk(twin)]["parent"] = {"S": old.id}
    with pytest.raises(AmbiguousCommitError):
        cloud.dataset().resolve(old.id[:8])


def test_rewritten_commit_is_answered_with_what_it_became_only_if_asked(cloud: Cloud, history: list[Commit]) -> None:
    pk = keys.dataset_pk("d")
    for old, new in (("1" * 64, "2" * 64), ("2" * 64, history[0].id)):
        sk = keys.tombstone_sk(old)
        stone = {"pk": pk, "sk": sk, "new": new, "time": "2026-01-01T00:00:00Z", "by": "op", "reason": "asked"}
        cloud.items[pk, sk] = {name: {"S": value} for name, value in stone.items()}
    with pytest.raises(RewrittenCommitError) as refused:
        cloud.dataset().resolve("111111")
    assert refused.value.new == "2" * 64
    assert cloud.dataset().resolve("111111", follow=True) == history[0]
