"""Laws of commits on S3 and DynamoDB in memory: round trips, crashes at any call, interleaved writers."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.datasets.commits.commits import Commit, Dataset, NoDataError
from tests.support.interleaving import CrashAt, CrashError, Interleaving
from tests.support.memory_cloud import Cloud

Content = dict[str, bytes]

names = st.sampled_from(["a.csv", "b.csv", "c/d.csv", "c/e.bin"])
contents = st.dictionaries(names, st.sampled_from([b"", b"x\n1\n", b"x\n2\n", b"x\n3\n"]), min_size=1, max_size=3)
changes = st.lists(st.tuples(contents, st.booleans()), min_size=1, max_size=5)
orders = st.lists(st.integers(0, 5), max_size=60)
crashes = st.one_of(st.none(), st.integers(0, 24))


def commit(dataset: Dataset, content: Content, author: str = "a", *, replace_all: bool = False) -> Commit:
    with tempfile.TemporaryDirectory() as folder:
        places = {}
        for number, (name, data) in enumerate(content.items()):
            places[name] = Path(folder, str(number))
            places[name].write_bytes(data)
        return dataset.commit(places, author=author, message="m", replace_all=replace_all)


def checked_out(dataset: Dataset, chosen: Commit) -> Content:
    with tempfile.TemporaryDirectory() as folder:
        dataset.checkout(chosen, Path(folder))
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def assert_whole(cloud: Cloud) -> list[str]:
    """Check that a reader sees a history of whole commits; return its ids, newest first."""
    reader = cloud.dataset()
    if reader.read_head() is None:
        return []
    assert reader.verify() == []
    history = list(reader.log())
    assert [record.id for record in reader.history.chain()] == [one.id for one in history]
    return [one.id for one in history]


@given(changes)
def test_checkout_returns_every_commit_as_it_was_committed(steps: list[tuple[Content, bool]]) -> None:
    cloud = Cloud()
    dataset = cloud.dataset()
    expected: list[Content] = []
    for content, replace_all in steps:
        before = dataset.read_head()
        whole = content if replace_all or not expected else expected[-1] | content
        made = commit(dataset, content, replace_all=replace_all)
        assert (made.id == before) == bool(expected and whole == expected[-1])
        if made.id != before:
            expected.append(whole)
    history = list(dataset.log())
    assert [checked_out(dataset, one) for one in history] == expected[::-1]
    for number, one in enumerate(history):
        assert dataset.resolve(f"HEAD~{number}") == one == dataset.resolve(one.id[:12])
    assert assert_whole(cloud) == [one.id for one in history]


@given(changes, contents)
def test_equal_content_has_the_same_tree_after_any_history(steps: list[tuple[Content, bool]], last: Content) -> None:
    cloud, other = Cloud(), Cloud()
    for content, replace_all in steps:
        commit(cloud.dataset(), content, replace_all=replace_all)
    made = commit(cloud.dataset(), last, replace_all=True)
    assert made.tree == commit(other.dataset(), last, author="b").tree


@given(changes)
def test_each_content_is_stored_once(steps: list[tuple[Content, bool]]) -> None:
    cloud = Cloud()
    for content, replace_all in steps:
        commit(cloud.dataset(), content, replace_all=replace_all)
    objects = {key: versions for key, versions in cloud.objects.items() if "/objects/" in key}
    assert len(objects) == len({data for content, _ in steps for data in content.values()})
    assert all(len(versions) == 1 for versions in cloud.objects.values())


def first_commit(cloud: Cloud, base: Content | None) -> None:
    if base:
        commit(cloud.dataset(), base, "base")


@given(st.one_of(st.none(), contents), contents, st.integers(0, 40))
def test_crash_at_any_call_shows_nothing_or_all_and_a_repeated_commit_completes(
    base: Content | None, content: Content, point: int
) -> None:
    cloud = Cloud()
    first_commit(cloud, base)
    before = assert_whole(cloud)
    try:
        commit(cloud.dataset(hook=CrashAt(point)), content, "w")
    except CrashError:
        shown = assert_whole(cloud)
        assert shown in (before, [*shown[:1], *before])
    made = commit(cloud.dataset(), content, "w")
    after = assert_whole(cloud)
    assert after in (before, [made.id, *before])
    assert checked_out(cloud.dataset(), made) == (base or {}) | content


def writer(
    cloud: Cloud, interleaving: Interleaving, name: str, content: Content, crash: int | None
) -> Callable[[], None]:
    dying = CrashAt(crash)

    def hook(point: str) -> None:
        dying(point)
        if point.startswith("before"):
            interleaving.wait(name)

    def act() -> None:
        interleaving.wait(name)
        commit(cloud.dataset(hook=hook), content, name)

    return act


@given(st.one_of(st.none(), contents), contents, contents, orders, crashes, crashes)
@example(None, {"a.csv": b""}, {"a.csv": b""}, [0, 1] * 20, None, None)
@example({"b.csv": b""}, {"a.csv": b"x\n1\n"}, {"a.csv": b"x\n2\n"}, [0, 1] * 20, None, None)
def test_reader_sees_only_whole_commits_of_two_interleaved_writers(
    base: Content | None, one: Content, other: Content, order: list[int], crash: int | None, other_crash: int | None
) -> None:
    """Two writers and a reader, call by call; afterwards both repeat their commits, since one may have crashed."""
    cloud = Cloud()
    first_commit(cloud, base)
    interleaving = Interleaving(order)
    start = base or {}
    possible = [start, start | one, start | other, start | one | other, start | other | one]

    def read() -> None:
        def hook(point: str) -> None:
            if point.startswith("before"):
                interleaving.wait("reader")

        interleaving.wait("reader")
        reader = cloud.dataset(hook=hook)
        for _ in range(2):
            try:
                found = reader.head()
            except NoDataError:
                assert not base, "there was a commit before"
                continue
            assert reader.verify(found) == []
            assert checked_out(reader, found) in possible

    interleaving.run(
        {
            "one": writer(cloud, interleaving, "one", one, crash),
            "other": writer(cloud, interleaving, "other", other, other_crash),
            "reader": read,
        }
    )
    before = set(assert_whole(cloud))
    if crash is None and other_crash is None:
        seen = checked_out(cloud.dataset(), cloud.dataset().head())
        # A file that both wrote has one of the two contents.
        assert seen in possible[-2:]
    for name, content in (("one", one), ("other", other)):
        commit(cloud.dataset(), content, name)
    after = assert_whole(cloud)
    assert before <= set(after), "no commit was lost"
    assert checked_out(cloud.dataset(), cloud.dataset().head()) == (base or {}) | one | other
