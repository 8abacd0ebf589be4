"""Forgetting on moto's S3 and DynamoDB: what has to go goes in all versions, all else stays to the byte."""

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
from pipelines.datasets.forgetting.subject import Rows, WholeFile
from pipelines.interface import keys
from pipelines.interface.landing import landing_prefix, quarantine_prefix
from pipelines.interface.paths import commit_key, forgetting_key, object_key, run_prefix
from tests.support.scene import CANARY, Scene, scene, table
from tests.support.world import ENVIRONMENT

__all__ = ["scene"]


def history(scene: Scene) -> list[Commit]:
    """Four commits; the canary comes with the second and leaves with the fourth."""
    return [
        scene.commit("first", january=table("ann", "bob")),
        scene.commit("second", february=table("cid", CANARY, "dan")),
        scene.commit("third", march=table("eve")),
        scene.commit("fourth", february=table("cid")),
    ]


def test_every_commit_that_held_the_rows_is_made_anew_and_every_one_after_it(scene: Scene) -> None:
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


def test_what_is_left_of_a_file_is_the_other_rows_to_the_byte(scene: Scene) -> None:
    history(scene)
    scene.forget()
    dataset = scene.dataset()
    (file,) = (file for file in dataset.resolve("HEAD~2").files if file.path == "february.csv")
    content = dataset.bucket.open(object_key("flights", file.sha256)).read()
    assert content == table("cid", CANARY, "dan").replace(f"{CANARY},1\n", "").encode()
    assert (file.rows, file.columns) == (2, ("passenger", "delay"))


def test_old_ids_answer_with_what_became_of_them(scene: Scene) -> None:
    _, second, *_ = history(scene)
    done = scene.forget()
    dataset = scene.dataset()
    with pytest.raises(RewrittenCommitError, match=done.commits[second.id]):
        dataset.resolve(second.id)
    with pytest.raises(RewrittenCommitError):
        dataset.read_commit(second.id)
    assert dataset.resolve(second.id[:12], follow=True).id == done.commits[second.id]
    stone = scene.world.item(keys.dataset_pk("flights"), keys.tombstone_sk(second.id))
    assert (stone["by"], stone["reason"], stone["new"]) == ("olga", "ticket 12", done.commits[second.id])


def test_forgotten_twice_old_ids_lead_to_the_newest(scene: Scene) -> None:
    _, second, *_ = history(scene)
    scene.forget()
    done = scene.forget(Rows(where={"passenger": "dan"}))
    assert scene.where("dan") == []
    newest = scene.dataset().resolve(second.id, follow=True)
    assert newest.message == "second"
    assert newest.id in done.commits.values()


def test_nothing_found_changes_nothing(scene: Scene) -> None:
    history(scene)
    assert scene.plan(Rows(where={"passenger": "nobody"})).is_empty
    assert scene.plan(Rows(where={"no such column": CANARY})).is_empty
    assert scene.plan(WholeFile(path="april.csv")).is_empty


def test_only_rows_that_have_all_the_values_go(scene: Scene) -> None:
    scene.commit("first", january=table("ann", "bob", "ann"))
    scene.forget(Rows(where={"passenger": "ann", "delay": "2"}))
    (file,) = scene.dataset().head().files
    assert scene.dataset().bucket.open(object_key("flights", file.sha256)).read() == table("ann", "bob").encode()


def parquet(*passengers: str) -> bytes:
    frame = pd.DataFrame({"passenger": pd.Categorical(passengers), "delay": range(len(passengers))})
    return frame.to_parquet(row_group_size=2)


def test_gzip_and_parquet_stay_what_they_are(scene: Scene) -> None:
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


def test_whole_file_goes_wherever_its_content_lies(scene: Scene) -> None:
    scene.commit("first", january=table("ann"), february=table(CANARY))
    scene.commit("second", copy=table(CANARY))
    scene.commit("third", february=table("harmless"))
    done = scene.forget(WholeFile(path="february.csv"))
    assert done.contents == 2
    assert [[file.path for file in commit.files] for commit in scene.dataset().log()] == [["january.csv"]] * 3
    assert scene.where(CANARY) == scene.where("harmless") == []


def test_what_cannot_be_read_is_named_and_nothing_is_done(scene: Scene) -> None:
    history(scene)
    scene.commit("notes", {"notes.txt": b"plain text"})
    scene.commit("broken", {"april.csv.gz": gzip.compress(table("x").encode())[:-9]})
    with pytest.raises(UnsearchableError, match=r"april\.csv\.gz: damaged gzip.*notes\.txt"):
        scene.plan()


def test_header_that_hides_the_column_hides_no_row(scene: Scene) -> None:
    scene.commit("first", {"january.csv": b"\xef\xbb\xbf" + table("ann", CANARY).encode()})
    scene.forget()
    assert scene.where(CANARY) == []
    scene.commit("second", {"february.csv": table("ann", CANARY).replace(",", ";").encode()})
    with pytest.raises(UnsearchableError, match=r"february\.csv: .*commas"):
        scene.plan()


def run(scene: Scene, commit: Commit, run_id: str, *, outcome: str | None = "registered") -> str:
    """A run that was planned from the commit, with its copies; gives its prefix."""
    ledger = scene.world.services.ledger
    item = {"commit": commit.id, "package_arn": f"arn:package/{run_id}"} | ({"outcome": outcome} if outcome else {})
    ledger.record(keys.model_pk("late-arrival"), keys.run_sk(run_id), item)
    use = {"model": "late-arrival", "run_id": run_id, "dataset": "flights", "commit": commit.id}
    ledger.record(keys.commit_pk("flights", commit.id), keys.use_sk("late-arrival", run_id), use)
    prefix = run_prefix("late-arrival", run_id)
    rows = gzip.compress(table(CANARY).encode())
    for name in ("data/training/rows.csv.gz", "data/holdout/rows.csv.gz"):
        scene.put("artifacts", prefix + name, rows)
    for name in ("evaluation/golden.json", "validation/examples.json", "commit.json", "manifest.json"):
        scene.put("artifacts", prefix + name, f'{{"x": "{CANARY}"}}')
        scene.put("artifacts", prefix + name, "{}")
    scene.put("artifacts", f"{prefix}evaluation/evaluation.json", "{}")
    return prefix


def test_copies_of_runs_that_read_it_go_and_their_packages_are_named(scene: Scene) -> None:
    first, _, third, fourth = history(scene)
    prefix = run(scene, third, "r3")
    clean = [run(scene, commit, name) for commit, name in ((first, "r1"), (fourth, "r4"))]
    plan = scene.plan()
    assert [(each.run_id, each.package_arn) for each in plan.runs] == [("r3", "arn:package/r3")]
    done = scene.forget()
    assert (done.runs, done.packages) == ([{"model": "late-arrival", "run_id": "r3"}], ["arn:package/r3"])
    left = {version.key for version in list_versions(scene.world.services.bucket("artifacts"), prefix)}
    assert left == {f"{prefix}evaluation/evaluation.json"}
    assert {name.split("/")[3] for name in scene.where(CANARY)} == {"r1", "r4"}
    assert len(clean) == 2


def test_runs_of_what_a_commit_was_before_an_earlier_forgetting_are_found(scene: Scene) -> None:
    _, second, *_ = history(scene)
    scene.forget(Rows(where={"passenger": "ann"}))
    run(scene, second, "r2")
    assert [each.run_id for each in scene.plan().runs] == ["r2"]


def test_run_under_way_may_still_copy_so_nothing_is_done(scene: Scene) -> None:
    _, second, *_ = history(scene)
    head = scene.dataset().head()
    run(scene, second, "r2", outcome=None)
    with pytest.raises(RunsUnderWayError, match="late-arrival r2"):
        scene.forget()
    assert scene.dataset().head() == head
    scene.world.services.ledger.update(keys.model_pk("late-arrival"), keys.run_sk("r2"), {"outcome": "failed"})
    scene.forget()
    assert scene.where(CANARY) == []


def test_reason_that_names_the_subject_is_refused(scene: Scene) -> None:
    history(scene)
    forgetting = scene.forgetting()
    with pytest.raises(UnfitReasonError):
        forgetting.carry_out(forgetting.planner.plan(), by="olga", reason=f"{CANARY.upper()} asked for it")


def test_landed_file_that_waits_is_named_and_one_that_was_taken_away_goes(scene: Scene) -> None:
    history(scene)
    key = f"{landing_prefix('flights')}april.csv"
    scene.put("data", key, table(CANARY))
    with pytest.raises(FilesWaitingError, match=r"april\.csv"):
        scene.forget()
    scene.world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=key)
    scene.forget()
    assert scene.where(CANARY) == []


def test_quarantined_files_that_hold_it_go_with_their_reasons(scene: Scene) -> None:
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


def test_commit_of_a_writer_that_died_goes_too(scene: Scene) -> None:
    history(scene)
    dataset = scene.dataset()
    head = dataset.head()
    died = scene.commit("died", april=table(CANARY, "zoe"))
    item = scene.world.item(keys.dataset_pk("flights"), keys.HEAD)
    dataset.ledger.record(keys.dataset_pk("flights"), keys.HEAD, {**item, "commit": head.id, "tree": head.tree})
    done = scene.forget()
    assert scene.where(CANARY) == []
    assert died.id not in done.commits
    assert not dataset.bucket.exists(commit_key("flights", died.id))


def test_object_that_no_commit_names_goes_too(scene: Scene) -> None:
    history(scene)
    content = gzip.compress(table(CANARY).encode())
    scene.put("data", object_key("flights", hashlib.sha256(content).hexdigest()), content)
    scene.forget()
    assert scene.where(CANARY) == []


def test_record_is_kept_twice_and_says_nothing_of_the_subject(scene: Scene) -> None:
    history(scene)
    done = scene.forget()
    item = scene.world.item(keys.dataset_pk("flights"), keys.forgetting_sk(done.id))
    assert (item["by"], item["reason"], item["commits"], item["rows"]) == ("olga", "ticket 12", 3, 1)
    audit = scene.world.services.bucket("audit")
    assert audit.read_json(forgetting_key("flights", done.id, "begun"))["ended"] is None
    assert audit.read_json(forgetting_key("flights", done.id, "ended"))["commits"] == done.commits
    assert item["what"] == "rows by passenger"
