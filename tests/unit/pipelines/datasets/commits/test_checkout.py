"""Checkout of a commit: files written, replaced and kept, and refusals."""

import hashlib
from pathlib import Path

import pytest

from pipelines.datasets.commits.checkout import UncommittedFileError, UnsafePathError
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.datasets.commits.manifest import File, InvalidCommitError
from pipelines.datasets.commits.objects import DamagedObjectError
from pipelines.interface.paths import object_key
from tests.support.memory_cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def dataset(cloud: Cloud) -> Dataset:
    return cloud.dataset(workers=4)


def commit(dataset: Dataset, folder: Path, **contents: str) -> Commit:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content)
    files = {name.replace("__", "/") + ".csv": folder / name for name in contents}
    return dataset.commit(files, author="a", message="m")


def test_reports_written_replaced_kept_and_unknown_files(dataset: Dataset, tmp_path: Path) -> None:
    first = commit(dataset, tmp_path / "in", january="1", february="2", deep__march="3")
    second = commit(dataset, tmp_path / "in", january="11")
    out = tmp_path / "out"
    done = dataset.checkout(first, out)
    assert set(done.written) == {"january.csv", "february.csv", "deep/march.csv"}
    (out / "notes.txt").write_text("mine")
    done = dataset.checkout(second, out)
    assert (done.written, done.replaced, done.unknown) == ((), ("january.csv",), ("notes.txt",))
    assert set(done.kept) == {"february.csv", "deep/march.csv"}
    assert (out / "january.csv").read_text() == "11"
    assert (out / "notes.txt").read_text() == "mine"


def test_overwrites_an_uncommitted_file_only_with_overwrite(dataset: Dataset, tmp_path: Path) -> None:
    made = commit(dataset, tmp_path / "in", january="1", february="2")
    out = tmp_path / "out"
    out.mkdir()
    (out / "january.csv").write_text("my work")
    with pytest.raises(UncommittedFileError, match=r"january\.csv"):
        dataset.checkout(made, out)
    assert [path.name for path in out.iterdir()] == ["january.csv"], "nothing was written"
    assert dataset.checkout(made, out, overwrite=True).replaced == ("january.csv",)
    assert (out / "january.csv").read_text() == "1"


def test_writes_nothing_through_a_symbolic_link(dataset: Dataset, tmp_path: Path) -> None:
    made = commit(dataset, tmp_path / "in", deep__march="3")
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    out.mkdir()
    (out / "deep").symlink_to(outside)
    with pytest.raises(UnsafePathError, match="symbolic link"):
        dataset.checkout(made, out)
    assert list(outside.iterdir()) == []


def test_symbolic_link_at_a_files_path_is_replaced_not_followed(dataset: Dataset, tmp_path: Path) -> None:
    made = commit(dataset, tmp_path / "in", march="3")
    out, target = tmp_path / "out", tmp_path / "target"
    out.mkdir()
    target.write_text("another's")
    (out / "march.csv").symlink_to(target)
    with pytest.raises(UncommittedFileError):
        dataset.checkout(made, out)
    dataset.checkout(made, out, overwrite=True)
    assert (target.read_text(), (out / "march.csv").read_text()) == ("another's", "3")


def test_refuses_a_folder_at_a_files_path(dataset: Dataset, tmp_path: Path) -> None:
    made = commit(dataset, tmp_path / "in", march="3")
    (tmp_path / "out" / "march.csv").mkdir(parents=True)
    with pytest.raises(UnsafePathError, match="is not a file"):
        dataset.checkout(made, tmp_path / "out", overwrite=True)


@pytest.mark.parametrize("path", ["../up.csv", "/root.csv", "a/../../up.csv", "a//b", "a\\b", "a\0b"])
def test_rejects_a_path_that_leaves_the_folder(path: str) -> None:
    file = File(path=path, sha256="0" * 64, size_bytes=1)
    with pytest.raises(InvalidCommitError, match="relative path"):
        Commit.seal(dataset="d", files=[file], parent=None, author="a", time="t", message="m")


def test_rejects_a_file_and_a_folder_of_the_same_name() -> None:
    files = [File(path=path, sha256="0" * 64, size_bytes=1) for path in ("a", "a/b")]
    with pytest.raises(InvalidCommitError, match="file and a folder"):
        Commit.seal(dataset="d", files=files, parent=None, author="a", time="t", message="m")


def test_reads_an_overwritten_object_by_its_version(cloud: Cloud, dataset: Dataset, tmp_path: Path) -> None:
    made = commit(dataset, tmp_path / "in", january="1")
    cloud.objects[object_key("d", made.files[0].sha256)].append((b"forged", None))
    dataset.checkout(made, tmp_path / "out")
    assert (tmp_path / "out" / "january.csv").read_text() == "1"


def test_damaged_object_leaves_no_file(cloud: Cloud, dataset: Dataset, tmp_path: Path) -> None:
    made = commit(dataset, tmp_path / "in", january="1")
    for damaged in (b"forged", b""):
        cloud.objects[object_key("d", made.files[0].sha256)] = [(damaged, None)] if damaged else []
        with pytest.raises(DamagedObjectError, match=r"january\.csv"):
            dataset.checkout(made, tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []


def test_progress_ends_at_all_bytes(dataset: Dataset, tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    files = {f"{number}.csv": tmp_path / str(number) for number in range(9)}
    for path in files.values():
        path.write_text(path.name * 10)
    made = dataset.commit(
        files, author="a", message="m", on_progress=lambda done, total, _: reported.append((done, total))
    )
    assert reported[-1] == (90, 90)
    dataset.checkout(made, tmp_path / "out", on_progress=lambda done, total, _: reported.append((done, total)))
    assert reported[-1] == (90, 90)
    assert hashlib.sha256((tmp_path / "out" / "3.csv").read_bytes()).hexdigest() in {f.sha256 for f in made.files}
