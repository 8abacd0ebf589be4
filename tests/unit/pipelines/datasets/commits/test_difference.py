"""Laws of the differences between two versions' files and columns."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.commits.commits import File
from pipelines.datasets.commits.difference import FileDifference, compare_files, compare_schemas

paths = st.sampled_from(["a.csv", "b.csv", "c.csv", "d/a.csv", "d/b.csv", "e.csv"])
digests = st.sampled_from(["1" * 64, "2" * 64, "3" * 64])
trees = st.dictionaries(paths, digests)


def files(tree: Mapping[str, str]) -> list[File]:
    return [File(path=path, sha256=digest, size_bytes=int(digest[0])) for path, digest in sorted(tree.items())]


@given(trees)
def test_equal_versions_do_not_differ(tree: dict[str, str]) -> None:
    assert compare_files(files(tree), files(tree)) == FileDifference()
    assert not compare_files(files(tree), files(tree))


@given(trees, trees)
def test_applied_difference_gives_the_new_version(old: dict[str, str], new: dict[str, str]) -> None:
    difference = compare_files(files(old), files(new))
    assert difference.apply(files(old)) == tuple(files(new))
    assert bool(difference) == (old != new)


@given(trees, trees)
def test_reverse_difference_swaps_added_and_removed_files(old: dict[str, str], new: dict[str, str]) -> None:
    forth, back = compare_files(files(old), files(new)), compare_files(files(new), files(old))
    assert [file.path for file in forth.added] == [file.path for file in back.removed]
    assert [pair.new.path for pair in forth.changed] == [pair.old.path for pair in back.changed]
    assert len(forth.renamed) == len(back.renamed)


def test_same_content_under_another_path_is_renamed_and_a_copy_is_added() -> None:
    one, two = "1" * 64, "2" * 64
    difference = compare_files(files({"a.csv": one, "b.csv": two}), files({"c.csv": one, "b.csv": two, "e.csv": two}))
    assert [(pair.old.path, pair.new.path) for pair in difference.renamed] == [("a.csv", "c.csv")]
    assert [file.path for file in difference.added] == ["e.csv"]
    assert not difference.removed


def test_schemas_differ_in_added_removed_and_retyped_columns() -> None:
    found = compare_schemas({"a": "integer", "b": "text", "c": "time"}, {"a": "number", "c": "time", "d": "text"})
    assert (found.added, found.removed, found.retyped) == ({"d": "text"}, {"b": "text"}, {"a": ("integer", "number")})
    assert not compare_schemas({"a": "text"}, {"a": "text"})
