"""Forgetting on moto's S3 and DynamoDB: the subject is erased in all versions, and all other bytes stay."""

import gzip
import hashlib
import io

import pandas as pd
import pytest

from pipelines.datasets.commits.commits import Commit
from pipelines.datasets.commits.history import RewrittenCommitError
from pipelines.datasets.commits.versions import list_versions
from pipelines.datasets.forgetting.forget import FilesWaitingError, RunsUnderWayError, UnfitReasonError
from pipelines.datasets.forgetting.plan import UnsearchableError
from pipelines.datasets.forgetting.run_copies import RunName
from pipelines.datasets.forgetting.subject import Rows, WholeFile
from pipelines.interface import keys
from pipelines.interface.landing import landing_prefix, quarantine_prefix
from pipelines.interface.paths import RunFiles, commit_key, forgetting_key, object_key
from pipelines.interface.records import CommitUse, Head, Run, RunOutcome, Trigger
from tests.support.scene import CANARY, Scene, scene, table
from tests.support.world import ENVIRONMENT

__all__ = ["scene"]


def history(scene: Scene) -> list[Commit]:
    """Make four commits; the second adds the canary, and the fourth removes it."""
    return [
        scene.commit("first", january=table("ann", "bob")),
        scene.commit("second", february=table("cid", CANARY, "dan")),
        scene.commit("third", march=table("eve")),
        scene.commit("fourth", february=table("cid")),
    ]


def test_rewrites_every_commit_that_held_the_rows_and_every_later_one(scene: Scene) -> None:
    first, second, third, fourth = history(scene)
    done = scene.forget()
    chain = list(scene.dataset().log())
    assert [commit.message for commit in chain] == ["fourth", "third", "second", "first"]
    assert chain[-1] == first
    assert done.commits == {old.id: new.id for old, new in zip((fourth, third, second), chain, strict=False)}
    assert [(new.author, new.time) for new in chain] == [
        (old.author, old.time) for old in (fourth, third, second, first)
    ]
    assert chain[0].tree == fourth.tree
    assert (done.contents, done.rows) == (1, 1)
    assert scene.where(CANARY) == []
    assert scene.dataset().verify() == []


def test_other_rows_of_a_file_stay_the_same_bytes(scene: Scene) -> None:
    history(scene)
    scene.forget()
    dataset = scene.dataset()
    (file,) = (file for file in dataset.resolve("HEAD~2").files if file.path == "february.csv")
    content = dataset.bucket.open(object_key("flights", file.sha256)).read()
    assert content == table("cid", CANARY, "dan").replace(f"{CANARY},1\n", "").encode()
    assert (file.rows, file.columns) == (2, ("passenger", "delay"))


def test_old_ids_lead_to_the_new_commits(scene: Scene) -> None:
    _, second, *_ = history(scene)
    done = scene.forget()
    dataset = scene.dataset()
    with pytest.raises(RewrittenCommitError, match=done.commits[second.id]):
        dataset.resolve(second.id)
    with pytest.raises(RewrittenCommitError):
        dataset.read_commit(second.id)
    assert dataset.resolve(second.id[:12], follow=True).id == done.commits[second.id]
    tombstone = scene.world.item(keys.tombstone("flights", second.id))
    assert (tombstone.by, tombstone.reason, tombstone.new) == ("olga", "ticket 12", done.commits[second.id])


def test_old_ids_lead_to_the_newest_commit_after_two_forgettings(scene: Scene) -> None:
    _, second, *_ = history(scene)
    scene.forget()
    done = scene.forget(Rows(where={"passenger": "dan"}))
    assert scene.where("dan") == []
    newest = scene.dataset().resolve(second.id, follow=True)
    assert newest.message == "second"
    assert newest.id in done.commits.values()


def test_plan_is_empty_if_nothing_is_found(scene: Scene) -> None:
    history(scene)
    assert scene.plan(Rows(where={"passenger": "nobody"})).is_empty
    assert scene.plan(Rows(where={"no such column": CANARY})).is_empty
    assert scene.plan(WholeFile(path="april.csv")).is_empty


def test_removes_only_rows_that_have_all_the_values(scene: Scene) -> None:
    scene.commit("first", january=table("ann", "bob", "ann"))
    scene.forget(Rows(where={"passenger": "ann", "delay": "2"}))
    (file,) = scene.dataset().head().files
    assert scene.dataset().bucket.open(object_key("flights", file.sha256)).read() == table("ann", "bob").encode()


def record(scene: Scene, commit: Commit, run_id: str, outcome: RunOutcome | None) -> None:
    ledger, model = scene.world.services.ledger, "late-arrival"
    item = Run(
        run_id=run_id,
        execution="e",
        token=1,
        started="2026-03-01T12:00:00Z",
        trigger=Trigger(kind="person", id="t", by="ann", reason="r"),
        commit=commit.id,
        package_arn=f"arn:package/{run_id}",
        outcome=outcome,
    )
    ledger.record(keys.run(model, run_id), item)
    use = CommitUse(model=model, run_id=run_id, dataset="flights", commit=commit.id)
    ledger.record(keys.commit_use("flights", commit.id, model, run_id), use)


def parquet(*passengers: str) -> bytes:
    frame = pd.DataFrame({"passenger": pd.Categorical(passengers), "delay": range(len(passengers))})
    return frame.to_parquet(row_group_size=2)


def test_gzip_and_parquet_keep_their_formats(scene: Scene) -> None:
    packed = gzip.compress(table("ann", CANARY).encode(), mtime=0)
    scene.commit("first", {"january.parquet": parquet("ann", CANARY, "bob"), "february.csv.gz": packed})
    scene.forget()
    dataset = scene.dataset()
    contents = {
        file.path: dataset.bucket.open(object_key("flights", file.sha256)).read() for file in dataset.head().files
    }
    assert gzip.decompress(contents["february.csv.gz"]) == table("ann").encode()
    left = pd.read_parquet(io.BytesIO(contents["january.parquet"]))
    assert (list(left.passenger), list(left.delay), list(left.passenger.cat.categories)) == (
        ["ann", "bob"],
        [0, 2],
        ["ann", "bob"],
    )
    assert scene.where(CANARY) == []


def test_removes_a_whole_files_contents_under_every_path(scene: Scene) -> None:
    scene.commit("first", january=table("ann"), february=table(CANARY))
    scene.commit("second", copy=table(CANARY))
    scene.commit("third", february=table("harmless"))
    done = scene.forget(WholeFile(path="february.csv"))
    assert done.contents == 2
    assert [[file.path for file in commit.files] for commit in scene.dataset().log()] == [["january.csv"]] * 3
    assert scene.where(CANARY) == scene.where("harmless") == []


def test_unreadable_files_are_named_and_nothing_is_done(scene: Scene) -> None:
    history(scene)
    scene.commit("notes", {"notes.txt": b"plain text"})
    scene.commit("broken", {"april.csv.gz": gzip.compress(table("x").encode())[:-9]})
    with pytest.raises(UnsearchableError, match=r"april\.csv\.gz: damaged gzip.*notes\.txt"):
        scene.plan()


def test_header_with_a_mark_or_semicolons_hides_no_row(scene: Scene) -> None:
    scene.commit("first", {"january.csv": b"\xef\xbb\xbf" + table("ann", CANARY).encode()})
    scene.forget()
    assert scene.where(CANARY) == []
    scene.commit("second", {"february.csv": table("ann", CANARY).replace(",", ";").encode()})
    with pytest.raises(UnsearchableError, match=r"february\.csv: .*commas"):
        scene.plan()


def run(scene: Scene, commit: Commit, run_id: str, *, outcome: RunOutcome | None = RunOutcome.REGISTERED) -> RunFiles:
    """Record a run that was planned from the commit, with its copies; return its files."""
    record(scene, commit, run_id, outcome)
    files = RunFiles("late-arrival", run_id)
    rows = gzip.compress(table(CANARY).encode())
    for prefix in (files.training_data, files.holdout_data):
        scene.put("artifacts", f"{prefix}rows.csv.gz", rows)
    for key in (files.golden, f"{files.prefix}validation/examples.json", files.commit, files.manifest):
        scene.put("artifacts", key, f'{{"x": "{CANARY}"}}')
        scene.put("artifacts", key, "{}")
    scene.put("artifacts", files.evaluation, "{}")
    return files


def test_erases_copies_of_runs_that_read_it_and_names_their_packages(scene: Scene) -> None:
    first, _, third, fourth = history(scene)
    files = run(scene, third, "r3")
    clean = [run(scene, commit, name) for commit, name in ((first, "r1"), (fourth, "r4"))]
    plan = scene.plan()
    assert [(each.run_id, each.package_arn) for each in plan.runs] == [("r3", "arn:package/r3")]
    done = scene.forget()
    assert (done.runs, done.packages) == ([RunName(model="late-arrival", run_id="r3")], ["arn:package/r3"])
    artifacts = scene.world.services.bucket("artifacts")
    left = {version.key for prefix in (files.prefix, files.scratch) for version in list_versions(artifacts, prefix)}
    assert left == {files.evaluation}
    assert {name.split("/")[3] for name in scene.where(CANARY)} == {"r1", "r4"}
    assert len(clean) == 2


def test_finds_runs_that_read_a_commit_before_an_earlier_forgetting(scene: Scene) -> None:
    _, second, *_ = history(scene)
    scene.forget(Rows(where={"passenger": "ann"}))
    run(scene, second, "r2")
    assert [each.run_id for each in scene.plan().runs] == ["r2"]


def test_refuses_while_a_run_that_may_copy_it_is_under_way(scene: Scene) -> None:
    _, second, *_ = history(scene)
    head = scene.dataset().head()
    run(scene, second, "r2", outcome=None)
    with pytest.raises(RunsUnderWayError, match="late-arrival r2"):
        scene.forget()
    assert scene.dataset().head() == head
    record(scene, second, "r2", RunOutcome.FAILED)
    scene.forget()
    assert scene.where(CANARY) == []


def test_refuses_a_reason_that_names_the_subject(scene: Scene) -> None:
    history(scene)
    forgetting = scene.forgetting()
    with pytest.raises(UnfitReasonError):
        forgetting.carry_out(forgetting.planner.plan(), by="olga", reason=f"{CANARY.upper()} asked for it")


def test_names_a_waiting_landed_file_and_erases_a_deleted_one(scene: Scene) -> None:
    history(scene)
    key = f"{landing_prefix('flights')}april.csv"
    scene.put("data", key, table(CANARY))
    with pytest.raises(FilesWaitingError, match=r"april\.csv"):
        scene.forget()
    scene.world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=key)
    scene.forget()
    assert scene.where(CANARY) == []


def test_erases_quarantined_files_that_hold_it_with_their_reasons(scene: Scene) -> None:
    history(scene)
    broken = gzip.compress(table(*(f"p{at}" for at in range(5000)), CANARY).encode())
    contents = {"a": (table(CANARY) + "odd,row,long\n").encode(), "b": table("other").encode(), "c": broken[:-20]}
    for name, content in contents.items():
        prefix = quarantine_prefix("flights", name)
        scene.put("data", f"{prefix}content", content)
        landed = f"{landing_prefix('flights')}{name}.csv{'.gz' if name == 'c' else ''}"
        scene.put("data", f"{prefix}reason.json", f'{{"key": "{landed}"}}')
    plan = scene.plan()
    assert plan.leftovers.unsearchable == [f"{quarantine_prefix('flights', 'c')}content"]
    scene.forget()
    left = {version.key for version in list_versions(scene.world.services.bucket("data"), "quarantine/")}
    assert {key.split("/")[2] for key in left} == {"b", "c"}


def test_erases_the_commit_of_a_writer_that_died(scene: Scene) -> None:
    history(scene)
    dataset = scene.dataset()
    head = dataset.head()
    died = scene.commit("died", april=table(CANARY, "zoe"))
    number = scene.world.item(keys.head("flights")).number
    dataset.ledger.record(keys.head("flights"), Head(commit=head.id, number=number, tree=head.tree))
    done = scene.forget()
    assert scene.where(CANARY) == []
    assert died.id not in done.commits
    assert not dataset.bucket.exists(commit_key("flights", died.id))


def test_erases_an_object_that_no_commit_names(scene: Scene) -> None:
    history(scene)
    content = gzip.compress(table(CANARY).encode())
    scene.put("data", object_key("flights", hashlib.sha256(content).hexdigest()), content)
    scene.forget()
    assert scene.where(CANARY) == []


def test_record_is_in_ledger_and_audit_bucket_without_the_subject(scene: Scene) -> None:
    history(scene)
    done = scene.forget()
    item = scene.world.item(keys.forgetting("flights", done.id))
    assert (item.by, item.reason, item.commits, item.rows) == ("olga", "ticket 12", 3, 1)
    assert item == done.to_record()
    audit = scene.world.services.bucket("audit")
    assert audit.read_json(forgetting_key("flights", done.id, "begun"))["ended"] is None
    assert audit.read_json(forgetting_key("flights", done.id, "ended"))["commits"] == done.commits
    assert item.what == "rows by passenger"
