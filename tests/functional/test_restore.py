"""Restoring deleted and overwritten objects: the bucket keeps the sound version, which is found by its digest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.datasets.commits.restore import restore
from pipelines.datasets.commits.verify import DamageKind
from pipelines.datasets.commits.versions import list_versions
from pipelines.interface import keys
from pipelines.interface.paths import commit_key, object_key
from tests.support.scene import Scene, scene, table
from tests.support.world import ENVIRONMENT, World

__all__ = ["scene"]


@pytest.fixture
def commit(scene: Scene) -> Commit:
    return scene.commit("first", january=table("ann"))


def the_object(commit: Commit) -> str:
    return object_key("flights", commit.files[0].sha256)


def the_manifest(commit: Commit) -> str:
    return commit_key("flights", commit.id)


def checked_out(dataset: Dataset, folder: Path) -> str:
    dataset.checkout(dataset.head(), folder)
    return (folder / "january.csv").read_text()


@pytest.mark.parametrize("key_of", [the_object, the_manifest])
def test_deleted_object_is_restored(
    scene: Scene, commit: Commit, tmp_path: Path, key_of: Callable[[Commit], str]
) -> None:
    dataset, key = scene.dataset(), key_of(commit)
    scene.world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=key)
    damages = dataset.verify()
    assert [damage.kind for damage in damages] in ([DamageKind.MISSING_OBJECT], [DamageKind.MISSING_MANIFEST])
    (restored,) = restore(dataset, damages)
    assert (restored.key, bool(restored.version)) == (key, True)
    assert dataset.verify() == []
    assert checked_out(dataset, tmp_path / "out") == table("ann")


@pytest.mark.parametrize("key_of", [the_object, the_manifest])
def test_overwritten_object_is_restored_and_no_version_is_erased(
    scene: Scene, commit: Commit, key_of: Callable[[Commit], str]
) -> None:
    dataset, key = scene.dataset(), key_of(commit)
    scene.put("data", key, "other bytes")
    restore(dataset, dataset.verify())
    assert dataset.verify() == []
    kept = [version for version in list_versions(dataset.bucket, key) if not version.is_marker]
    assert len(kept) == 3


def test_object_without_a_sound_version_is_reported(scene: Scene, commit: Commit) -> None:
    dataset, key = scene.dataset(), the_object(commit)
    s3 = scene.world.client("s3")
    for version in list_versions(dataset.bucket, key):
        s3.delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=key, VersionId=version.id)
    (restored,) = restore(dataset, dataset.verify())
    assert restored.version is None
    assert [damage.kind for damage in dataset.verify()] == [DamageKind.MISSING_OBJECT]


def test_restoring_a_sound_dataset_does_nothing(scene: Scene, commit: Commit, world: World) -> None:
    dataset = scene.dataset()
    before = list(list_versions(dataset.bucket, ""))
    assert restore(dataset, dataset.verify()) == []
    assert list(list_versions(dataset.bucket, "")) == before
    assert world.services.ledger.get(keys.head("flights")) is not None
    assert commit == dataset.head()
