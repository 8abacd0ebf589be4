"""Laws of commits and their manifests."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.commits.manifest import Commit, File, InvalidCommitError
from pipelines.datasets.commits.sources import LocalSource

names = st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=8)
contents = st.dictionaries(names, st.binary(max_size=20), min_size=1, max_size=5)


def made(files: dict[str, bytes], parent: Commit | None = None, author: str = "a") -> Commit:
    with tempfile.TemporaryDirectory() as folder:
        places = {name: Path(folder) / str(number) for number, name in enumerate(files)}
        for name, content in files.items():
            places[name].write_bytes(content)
        described = [LocalSource(place).describe(name) for name, place in places.items()]
        return Commit.of("d", described, parent=parent, author=author, time="t", message="m")


@given(contents)
def test_manifest_is_read_back_as_the_same_commit(files: dict[str, bytes]) -> None:
    commit = made(files)
    assert Commit.from_document(commit.to_document()) == commit
    assert {file.path: file.size_bytes for file in commit.files} == {name: len(c) for name, c in files.items()}


@given(contents)
def test_equal_content_has_one_tree_id_and_every_commit_its_own(files: dict[str, bytes]) -> None:
    one, other = made(files), made(dict(reversed(files.items())), author="b")
    assert one.tree == other.tree
    assert one.id != other.id


@given(contents, contents)
def test_child_has_the_parents_files_and_its_own(old: dict[str, bytes], new: dict[str, bytes]) -> None:
    child = made(new, parent=made(old))
    assert child.tree == made(old | new).tree


@given(contents, st.sampled_from(["tree", "id", "author", "parent"]))
def test_rejects_a_forged_manifest(files: dict[str, bytes], field: str) -> None:
    document = made(files).to_document()
    with pytest.raises(InvalidCommitError):
        Commit.from_document({**document, field: "forged"})
    with pytest.raises(InvalidCommitError):
        Commit.from_document({name: value for name, value in document.items() if name != "files"})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"files": "none"}, "files is no list"),
        ({"files": [{"path": "a.csv"}]}, "is no file of a commit"),
        ({"files": [{"path": "a.csv", "sha256": "0", "size_bytes": "1"}]}, "is no file of a commit"),
        ({"files": [{"path": "a.csv", "sha256": "0", "size_bytes": 1, "columns": 7}]}, "not iterable"),
        ({"author": 7}, "author is int 7, not str"),
        ({"more": 7}, "more is unknown"),
    ],
)
def test_rejects_a_document_that_is_no_manifest(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidCommitError, match=problem):
        Commit.from_document({**made({"a.csv": b""}).to_document(), **changes})
    with pytest.raises(InvalidCommitError, match="not an object"):
        Commit.from_document([changes])


def test_files_with_the_same_columns_share_one_tuple() -> None:
    files = [File(path=f"{n}.csv", sha256="0", size_bytes=1, rows=1, columns=("a", "b")) for n in range(3)]
    commit = Commit.of("d", files, parent=None, author="a", time="t", message="m")
    read = Commit.from_document(json.loads(json.dumps(commit.to_document())))
    assert read == commit
    assert len({id(file.columns) for file in read.files}) == 1
