"""Forgetting that crashes at any write, and writers in between: a repetition finishes it, and nothing else is lost."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipelines.datasets.commits.commits import Commit
from pipelines.datasets.forgetting.subject import Rows
from pipelines.interface import keys
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import CommitUse, Run, RunOutcome, Trigger
from tests.support.crashing import Client, DiedError, Dying
from tests.support.scene import CANARY, SUBJECT, Scene, scene, table

__all__ = ["scene"]

RECORD_WRITES = 2
"""Number of the last writes, to the audit bucket and to the ledger."""
READS = ("get_object", "head_object", "get_item")
WRITES = ("put_object", "copy_object", "delete_object", "delete_objects", "put_item", "update_item", "delete_item")


@dataclass
class Visit:
    """Hook that calls ``act`` before the write of this number."""

    number: int
    act: Callable[[], Any]
    count: int = 0
    happened: bool = False

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.number:
            self.happened = True
            self.act()


def commit_again(scene: Scene, clients: Callable[[str], Any] | None = None) -> None:
    """Commit the forgotten file again as it was, and another file with it."""
    scene.commit("of another writer", clients=clients, february=table("bob", CANARY), april=table("dan"))


def clients(scene: Scene, hook: Callable[[], None], operations: tuple[str, ...] = WRITES) -> Callable[[str], Any]:
    return lambda service: Client(inner=scene.world.client(service), hook=hook, operations=operations)


def begin(scene: Scene, number: int) -> list[Commit]:
    """Make a new dataset with a history, and a run that has read the second commit."""
    scene.name = f"flights{number}"
    made = [
        scene.commit("first", january=table("ann")),
        scene.commit("second", february=table("bob", CANARY)),
        scene.commit("third", march=table("cid")),
    ]
    ledger, run_id = scene.world.services.ledger, f"r{number}"
    use = CommitUse(model="m", run_id=run_id, dataset=scene.name, commit=made[1].id)
    ledger.record(keys.commit_use(scene.name, made[1].id, "m", run_id), use)
    run = Run(
        run_id=run_id,
        execution="e",
        token=1,
        started="2026-03-01T12:00:00Z",
        trigger=Trigger(kind="person", id="t", by="ann", reason="r"),
        outcome=RunOutcome.REJECTED,
    )
    ledger.record(keys.run("m", run_id), run)
    scene.put("artifacts", f"{RunFiles('m', run_id).training_data}rows.csv.gz", table(CANARY))
    return made


def check_sound(scene: Scene) -> None:
    """Check that a reader finds a whole history of the three commits."""
    assert scene.dataset().verify() == []
    assert [commit.message for commit in scene.dataset().log()][-3:] == ["third", "second", "first"]


def check_forgotten(scene: Scene, made: list[Commit]) -> None:
    check_sound(scene)
    for commit in made[1:]:
        assert scene.dataset().resolve(commit.id, follow=True).message == commit.message
    assert scene.plan().is_empty


def test_repetition_finishes_a_forgetting_that_crashed_at_any_write(scene: Scene) -> None:
    number, moved, died = 0, 0, True
    while died:
        number += 1
        made = begin(scene, number)
        try:
            scene.forget(clients=clients(scene, Dying(number=number)))
            died = False
        except DiedError:
            check_sound(scene)
        moved += died and scene.dataset().read_head() != made[-1].id
        # Once the head has moved, another forgetting finishes this one too: every second repetition is another.
        if died:
            scene.forget(Rows(where={"passenger": "nobody"}) if moved and number % 2 else SUBJECT)
        check_forgotten(scene, made)
    assert scene.where(CANARY) == []
    assert moved > 3
    assert number - moved > 10


def test_writer_at_any_write_loses_nothing_and_brings_nothing_back(scene: Scene) -> None:
    number, happened, late = 0, True, 0
    while happened:
        number += 1
        made = begin(scene, number)
        visit = Visit(number=number, act=partial(commit_again, scene))
        scene.forget(clients=clients(scene, visit))
        # A writer that commits while only the record is left to write brings the file back, as any later commit may.
        if not scene.plan().is_empty:
            late += 1
            scene.forget()
        check_forgotten(scene, made)
        happened = visit.happened
        if happened:
            head = scene.dataset().head()
            assert head.message == "of another writer"
            assert [file.path for file in head.files] == [f"{n}.csv" for n in ("april", "february", "january", "march")]
    assert scene.where(CANARY) == []
    assert number > 15
    assert late <= RECORD_WRITES


def test_writer_whose_objects_are_erased_meanwhile_writes_them_again(scene: Scene) -> None:
    number, happened = 0, True
    while happened:
        number += 1
        made = begin(scene, number)
        visit = Visit(number=number, act=scene.forget)
        commit_again(scene, clients(scene, visit, (*READS, *WRITES)))
        happened = visit.happened
        check_sound(scene)
        assert [file.path for file in scene.dataset().head().files if file.path == "april.csv"]
        scene.forget()
        check_forgotten(scene, made)
    assert scene.where(CANARY) == []
    assert number > 7
