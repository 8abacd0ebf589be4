"""Verifying names each damage of manifests, records and objects."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.datasets.commits.commits import Commit, Dataset, InvalidCommitError
from pipelines.datasets.commits.verify import DamageKind
from pipelines.interface import keys
from pipelines.interface.keys import Key
from pipelines.interface.paths import commit_key, object_key
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


def overwrite(cloud: Cloud, key: str, change: Callable[[bytes], bytes]) -> None:
    content, checksum = cloud.objects[key][-1]
    cloud.objects[key].append((change(content), checksum))


def edited(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def apply(manifest: bytes) -> bytes:
        document = json.loads(manifest)
        change(document)
        return json.dumps(document).encode()

    return apply


def item_of(cloud: Cloud, key: Key[Any]) -> dict[str, Any]:
    """Return the item as DynamoDB stores it."""
    return cloud.items[key.pk, key.sk]


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


def test_truncated_manifest_is_named_and_older_commits_are_still_verified(cloud: Cloud, history: list[Commit]) -> None:
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


def test_whole_manifest_of_another_commit_is_forged(cloud: Cloud, history: list[Commit]) -> None:
    """Its ids are those of its content: only its key shows that it is another commit's."""
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
    item_of(cloud, keys.commit("d", history[1].id))[name] = {"S": "forged"}
    assert kinds(cloud.dataset()) == [(DamageKind.FORGED_RECORD, history[1].id)]


def test_missing_record_and_forged_head_are_named(cloud: Cloud, history: list[Commit]) -> None:
    record = keys.commit("d", history[1].id)
    del cloud.items[record.pk, record.sk]
    item_of(cloud, keys.head("d"))["tree"] = {"S": "forged"}
    assert kinds(cloud.dataset()) == [
        (DamageKind.FORGED_RECORD, history[0].id),
        (DamageKind.MISSING_RECORD, history[1].id),
    ]
