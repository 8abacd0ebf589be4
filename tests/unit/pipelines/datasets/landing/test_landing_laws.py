"""Laws of landing: files that arrive in any order, runs that crash at any call, several runs at once."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.datasets.landing.lock import LandingLock
from pipelines.interface.landing import LONGEST_S
from tests.support.interleaving import CrashAt, CrashError, Interleaving
from tests.support.landing_cloud import BEGINNING, LandingCloud

GOOD = [b"x\n1\n", b"x\n2\n", b"x\n3\n"]
BAD = b"x\n1,2\n"
names = st.sampled_from(["a.csv", "b.csv", "c/d.csv"])
arrivals = st.lists(st.tuples(names, st.sampled_from([*GOOD, BAD])), min_size=1, max_size=6)
LATER = BEGINNING + timedelta(seconds=2 * LONGEST_S)
"""A time at which the lock of a crashed run has expired."""


def assert_dealt_with(cloud: LandingCloud, dropped: list[tuple[str, bytes]]) -> None:
    """Check that no file is left, that each content is committed or in quarantine, and each commit was announced."""
    assert [key for key, versions in cloud.landed.items() if versions] == []
    dataset = cloud.reader()
    assert dataset.read_head() is None or dataset.verify() == []
    ever = {file.path: set[bytes]() for commit in dataset.log() for file in commit.files}
    for commit in dataset.log():
        for file in commit.files:
            ever[file.path].add(dataset.bucket.open(f"datasets/d/objects/{file.sha256}").read())
    kept = cloud.quarantined()
    for name, content in dropped:
        assert content in ever.get(name, set()) or content in kept
    commits = [commit.id for commit in dataset.log()]
    assert set(cloud.requested) == set(commits), "retrainings are requested for all commits, and for nothing else"


@given(st.lists(arrivals, min_size=1, max_size=3))
def test_each_name_ends_as_its_last_version(batches: list[list[tuple[str, bytes]]]) -> None:
    cloud, expected = LandingCloud(), dict[str, bytes]()
    for batch in batches:
        for name, content in batch:
            cloud.drop(name, content)
        cloud.run()
        cloud.run()
        # Only the last version of a name in a batch is read.
        expected |= {name: content for name, content in dict(batch).items() if content != BAD}
    assert cloud.head() == expected
    assert_dealt_with(cloud, [arrival for batch in batches for arrival in batch])
    assert len(cloud.requested) == len(set(cloud.requested))
    assert len(cloud.alerts) == sum(BAD in dict(batch).values() for batch in batches)


@settings(max_examples=300)
@given(arrivals, arrivals, st.integers(0, 90))
def test_next_run_finishes_a_run_that_crashed_at_any_call(
    first: list[tuple[str, bytes]], second: list[tuple[str, bytes]], point: int
) -> None:
    cloud = LandingCloud()
    for name, content in first:
        cloud.drop(name, content)
    crash = CrashAt(point)
    with suppress(CrashError):
        cloud.run(crash)
    crashed = crash.passed > point
    cloud.run(at=LATER)
    assert cloud.head() == {name: content for name, content in dict(first).items() if content != BAD}
    assert_dealt_with(cloud, first)
    assert len(list(cloud.reader().log())) <= 1
    assert len(cloud.alerts) <= 1 + crashed
    assert (len(cloud.alerts) > 0) == (BAD in dict(first).values())
    for name, content in second:
        cloud.drop(name, content)
    cloud.run(at=LATER)
    assert_dealt_with(cloud, first + second)


@settings(max_examples=200)
@given(
    st.lists(arrivals, min_size=2, max_size=3),
    st.lists(st.integers(0, 5), max_size=200),
    st.one_of(st.none(), st.integers(0, 60)),
)
@example([[("a.csv", GOOD[0])], [("a.csv", GOOD[0])] * 3 + [("a.csv", GOOD[1])]], [0, 0, 0, 0], 25)
def test_interleaved_runs_leave_nothing_and_lose_nothing(
    batches: list[list[tuple[str, bytes]]], order: list[int], crash_at: int | None
) -> None:
    """Each actor drops files and starts a run; one may crash. Without a crash no further run is needed."""
    cloud, interleaving = LandingCloud(), Interleaving(order=order)
    dropped: list[tuple[str, bytes]] = []

    def actor(number: int, batch: list[tuple[str, bytes]]) -> None:
        name = str(number)
        crash = CrashAt(crash_at if number == 0 else None)

        def hook(point: str) -> None:
            interleaving.wait(name)
            crash(point)

        for arrival in batch:
            interleaving.wait(name)
            cloud.drop(*arrival)
            dropped.append(arrival)
        cloud.run(hook)

    interleaving.run({str(n): (lambda n=n, batch=batch: actor(n, batch)) for n, batch in enumerate(batches)})  # type: ignore[misc]
    if crash_at is not None:
        cloud.run(at=LATER)
    assert_dealt_with(cloud, dropped)
    last = dict(dropped)
    for name, content in cloud.head().items():
        assert last[name] in (content, BAD), "no older version replaces the last one"


def test_lock_that_is_released_while_another_run_asks_is_taken_by_it() -> None:
    cloud = LandingCloud()
    first = LandingLock(ledger=cloud.services().ledger, dataset="d", holder="first", now=lambda: BEGINNING)
    assert first.take()

    def release(point: str) -> None:
        if point == "before UpdateItem":
            assert first.release()

    second = LandingLock(ledger=cloud.services(release).ledger, dataset="d", holder="second", now=lambda: BEGINNING)
    assert second.take(), "no run would see that the second one asked"
