"""Laws of histories that are rewritten without some contents."""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipelines.datasets.commits.manifest import Commit, File
from pipelines.datasets.forgetting.rewriting import rewrite
from pipelines.datasets.forgetting.subject import Rows, digest_of

VALUE = "secret"
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
fields = st.one_of(texts, st.just(VALUE), st.sampled_from(["", "a,b", 'say "x"', "two\nlines", " secret", "secretive"]))


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def table(rows: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["id"], *([row] for row in rows)])
    return text.getvalue().encode()


Changes = list[dict[str, list[str]]]
changes: st.SearchStrategy[Changes] = st.lists(
    st.dictionaries(
        st.sampled_from(["a.csv", "b.csv", "c/d.csv"]), st.lists(fields, max_size=4), min_size=1, max_size=2
    ),
    min_size=1,
    max_size=5,
)


def described(place: Path, path: str, rows: list[str]) -> File:
    content = table(rows)
    place.write_bytes(content)
    return File(path=path, sha256=digest_of(place), size_bytes=len(content))


def chained(contents: Changes, place: Path) -> list[Commit]:
    commits: list[Commit] = []
    for number, files in enumerate(contents):
        commits.append(
            Commit.of(
                "d",
                [described(place, path, rows) for path, rows in files.items()],
                parent=commits[-1] if commits else None,
                author="ann",
                time=f"2026-01-0{number + 1}T00:00:00Z",
                message=str(number),
            )
        )
    return commits


@given(changes)
def test_rewritten_history_is_that_of_the_filtered_contents(contents: Changes) -> None:
    """Ids, commits and trees are the same as if the rows had never been committed."""
    with folder() as place:
        commits = chained(contents, place / "x")
        clean = chained(
            [{p: [r for r in rows if r != VALUE] for p, rows in files.items()} for files in contents], place / "x"
        )
        replaced: dict[str, File | None] = {}
        for files in contents:
            for path, rows in files.items():
                old = described(place / "x", path, rows)
                found = Rows(where={"id": VALUE}).search(place / "x", path, place / f"{old.sha256}.new")
                if found and found.file:
                    replaced[old.sha256] = File(path="", sha256=found.file.sha256, size_bytes=found.file.size_bytes)
        made = rewrite(commits, replaced)
    assert [made.get(commit.id, commit) for commit in commits] == clean
    assert list(rewrite(commits, {})) == []


@given(changes)
def test_removing_a_file_keeps_all_others(contents: Changes) -> None:
    with folder() as place:
        commits = chained(contents, place / "x")
    gone = {file.sha256: None for commit in commits for file in commit.files if file.path == "a.csv"}
    made = rewrite(commits, gone)
    for commit in commits:
        kept = [file for file in commit.files if file.sha256 not in gone]
        assert list(made.get(commit.id, commit).files) == kept
