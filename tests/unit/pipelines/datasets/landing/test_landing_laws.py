"""Laws of landing: files that arrive in any order, runs that die at any call, several runs at once."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.datasets.landing.lock import LandingLock
from pipelines.interface.landing import LONGEST_S
from tests.support.interleaving import CrashAt, CrashError, Turns
from tests.support.landing_cloud import BEGINNING, Landing

GOOD = [b"x\n1\n", b"x\n2\n", b"x\n3\n"]
BAD = b"x\n1,2\n"
names = st.sampled_from(["a.csv", "b.csv", "c/d.csv"])
arrivals = st.lists(st.tuples(names, st.sampled_from([*GOOD, BAD])), min_size=1, max_size=6)
LATER = BEGINNING + timedelta(seconds=2 * LONGEST_S)
"""By then a turn of a run that died has expired."""


def assert_dealt_with(cloud: Landing, dropped: list[tuple[str, bytes]]) -> None:
    """Nothing is left, and nothing lost: the last good content of each name leads, all else is in quarantine."""
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
    assert set(cloud.asked) == set(commits), "every commit is told of, and nothing else"


@given(st.lists(arrivals, min_size=1, max_size=3))
def test_each_name_ends_as_its_last_version(batches: list[list[tuple[str, bytes]]]) -> None:
    cloud, expected = Landing(), dict[str, bytes]()
    for batch in batches:
        for name, content in batch:
            cloud.drop(name, content)
        cloud.run()
        cloud.run()
        # Of a batch only the last version of a name is looked at.
        expected |= {name: content for name, content in dict(batch).items() if content != BAD}
    assert cloud.head() == expected
    assert_dealt_with(cloud, [arrival for batch in batches for arrival in batch])
    assert len(cloud.asked) == len(set(cloud.asked))
    assert len(cloud.alerts) == sum(BAD in dict(batch).values() for batch in batches)


@settings(max_examples=300)
@given(arrivals, arrivals, st.integers(0, 90))
def test_run_that_dies_at_any_call_is_finished_by_the_next(
    first: list[tuple[str, bytes]], second: list[tuple[str, bytes]], point: int
) -> None:
    cloud = Landing()
    for name, content in first:
        cloud.drop(name, content)
    crash = CrashAt(point)
    with suppress(CrashError):
        cloud.run(crash)
    died = crash.passed > point
    cloud.run(at=LATER)
    assert cloud.head() == {name: content for name, content in dict(first).items() if content != BAD}
    assert_dealt_with(cloud, first)
    assert len(list(cloud.reader().log())) <= 1
    assert len(cloud.alerts) <= 1 + died
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
def test_runs_in_any_order_leave_nothing_and_lose_nothing(
    batches: list[list[tuple[str, bytes]]], order: list[int], crash_at: int | None
) -> None:
    """Each actor drops files and is woken for them; one may die. Without a death no other look is needed."""
    cloud, turns = Landing(), Turns(order=order)
    dropped: list[tuple[str, bytes]] = []

    def actor(number: int, batch: list[tuple[str, bytes]]) -> None:
        name = str(number)
        crash = CrashAt(crash_at if number == 0 else None)

        def hook(point: str) -> None:
            turns.take(name)
            crash(point)

        for arrival in batch:
            turns.take(name)
            cloud.drop(*arrival)
            dropped.append(arrival)
        cloud.run(hook)

    turns.run({str(n): (lambda n=n, batch=batch: actor(n, batch)) for n, batch in enumerate(batches)})  # type: ignore[misc]
    if crash_at is not None:
        cloud.run(at=LATER)
    assert_dealt_with(cloud, dropped)
    last = dict(dropped)
    for name, content in cloud.head().items():
        assert last[name] in (content, BAD), "nothing older stands in the place of the last version"


def test_turn_that_is_given_back_while_another_asks_for_it_is_taken() -> None:
    cloud = Landing()
    first = LandingLock(ledger=cloud.services().ledger, dataset="d", holder="first", now=lambda: BEGINNING)
    assert first.take()

    def give_back(point: str) -> None:
        if point == "before UpdateItem":
            assert first.give_back()

    second = LandingLock(ledger=cloud.services(give_back).ledger, dataset="d", holder="second", now=lambda: BEGINNING)
    assert second.take(), "nobody would see that the second one asked"
