"""The cache of digests: an unchanged file is not read again, and every change is seen."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.datasets.commits.digest_cache import RACY_NS, DigestCache, remembering
from pipelines.datasets.commits.manifest import File
from pipelines.datasets.commits.sources import ChangedFileError
from tests.support.memory_cloud import Cloud


def later() -> int:
    """Return a time at which every file of this test is old."""
    return time.time_ns() + 2 * RACY_NS


def describe(kept: Path, path: Path, name: str = "t.csv", clock_ns: Callable[[], int] = later) -> File:
    cache = DigestCache.read(kept)
    cache.clock_ns = clock_ns
    file = cache.source(path).describe(name)
    cache.save()
    return file


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "digests.json"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t"
    path.write_text("x\n1\n")
    return path


def forge(kept: Path) -> None:
    kept.write_text(kept.read_text().replace('"t.csv", "', '"t.csv", "remembered'))


def test_unchanged_file_is_not_read_again(kept: Path, table: Path) -> None:
    first = describe(kept, table)
    assert describe(kept, table) == first
    forge(kept)
    assert describe(kept, table).sha256.startswith("remembered"), "from the cache"


@pytest.mark.parametrize("change", ["content", "replaced", "size"])
def test_change_is_seen_though_size_and_time_are_restored(kept: Path, table: Path, change: str) -> None:
    first = describe(kept, table)
    before = table.stat()
    # Longer than a file system's clock ticks.
    time.sleep(0.05)
    if change == "replaced":
        other = table.with_name("other")
        other.write_text("x\n2\n")
        other.replace(table)
    else:
        table.write_text("x\n2\n" if change == "content" else "x\n22\n")
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert describe(kept, table).sha256 != first.sha256


def test_file_that_changed_just_before_is_read_again(kept: Path, table: Path) -> None:
    describe(kept, table, clock_ns=time.time_ns)
    assert not kept.exists() or "t.csv" not in kept.read_text()


def test_file_under_another_name_is_described_again(kept: Path, table: Path) -> None:
    assert describe(kept, table, "t.bin").rows is None
    assert describe(kept, table, "t.csv").rows == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 2}', '{"format": 1, "columns": [], "files": {"a": [1]}}']
)
def test_damaged_cache_is_ignored(kept: Path, table: Path, content: str) -> None:
    kept.parent.mkdir()
    kept.write_text(content)
    assert describe(kept, table).rows == 1


def test_wrong_digest_is_refused_by_s3_and_dropped(kept: Path, table: Path) -> None:
    sound = describe(kept, table)
    kept.write_text(kept.read_text().replace(sound.sha256, "0" * 64))
    dataset = Cloud().dataset()
    with pytest.raises(ChangedFileError), remembering(kept) as cache:
        dataset.commit({"t.csv": cache.source(table)}, author="a", message="m")
    assert dataset.read_head() is None
    with remembering(kept) as cache:
        made = dataset.commit({"t.csv": cache.source(table)}, author="a", message="m")
    assert made.files == (sound,)
