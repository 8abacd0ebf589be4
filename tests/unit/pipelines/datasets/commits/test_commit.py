"""Laws of commits and of the documents that cross from synth time to run time."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.commits.commits import Commit, InvalidCommitError
from pipelines.datasets.commits.sources import LocalSource
from pipelines.interface.release_state import InvalidReleaseStateError, ReleaseState

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
def test_commit_goes_there_and_back(files: dict[str, bytes]) -> None:
    commit = made(files)
    assert Commit.from_document(commit.to_document()) == commit
    assert {file.path: file.size_bytes for file in commit.files} == {name: len(c) for name, c in files.items()}


@given(contents)
def test_equal_content_has_one_tree_id_and_every_commit_its_own(files: dict[str, bytes]) -> None:
    one, other = made(files), made(dict(reversed(files.items())), author="b")
    assert one.tree == other.tree
    assert one.id != other.id


@given(contents, contents)
def test_child_holds_the_parents_files_and_its_own(old: dict[str, bytes], new: dict[str, bytes]) -> None:
    child = made(new, parent=made(old))
    assert child.tree == made(old | new).tree


@given(contents, st.sampled_from(["tree", "id", "author", "parent"]))
def test_forged_manifest_is_refused(files: dict[str, bytes], field: str) -> None:
    document = made(files).to_document()
    with pytest.raises(InvalidCommitError):
        Commit.from_document({**document, field: "forged"})
    with pytest.raises(InvalidCommitError):
        Commit.from_document({name: value for name, value in document.items() if name != "files"})


@given(
    st.one_of(st.none(), st.just("arn:aws:sagemaker:us-east-1:1:model-package/a/1")),
    st.sampled_from(["none", "shadow", "split"]),
    st.integers(0, 100),
    st.sampled_from(["guarded", "plain"]),
)
def test_release_state_goes_there_and_back(arn: str | None, mode: str, weight: int, shift: str) -> None:
    state = ReleaseState(champion=arn, challenger=arn, mode=mode, weight=weight, shift=shift)
    assert ReleaseState.from_value(state.to_value()) == state


@pytest.mark.parametrize("value", ["", "none", "none,none,none,0", "none,none,odd,0,plain", "none,none,none,x,plain"])
def test_other_values_are_no_release_state(value: str) -> None:
    with pytest.raises(InvalidReleaseStateError):
        ReleaseState.from_value(value)
