"""``mooring data`` against moto: what a person types, reads, and is told when something is wrong."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from mooring.cli import cli
from mooring.cli.dataset import opened
from mooring.errors import MooringError
from pipelines.datasets.commits.commits import Dataset
from pipelines.interface.paths import commit_key, object_key
from tests.support.world import ENVIRONMENT, World

FLEET = """
stages: [{name: dev}]
teams:
  - name: arrivals
    owners: [a@example.com]
    monthly_budget_usd: 1
    environments: [{stage: dev, account: "123456789012", region: us-east-1}]
    models:
      - {name: late-arrival, dataset: flights, task: classification, target: late, time_column: t,
         gate: {metric: auc, bound: 0.6}, retraining: {triggers: [drift]}}
"""


@pytest.fixture(autouse=True)
def fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    monkeypatch.setenv("MOORING_FLEET", str(path))


@pytest.fixture
def dataset(world: World) -> Dataset:
    return Dataset.in_environment(ENVIRONMENT, "flights", s3=world.client("s3"), dynamodb=world.client("dynamodb"))


def run(command: str, *arguments: str) -> str:
    ran = CliRunner().invoke(cli, ["data", command, ENVIRONMENT.id, "flights", *arguments])
    if ran.exception:
        raise ran.exception
    return ran.output


def run_json(command: str, *arguments: str) -> Any:
    return json.loads(run(command, *arguments, "--json"))


def write(folder: Path, **contents: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.csv").write_text(content)
    return folder


def test_folder_is_committed_by_its_relative_paths_and_hidden_files_are_said(dataset: Dataset, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", a="x\n1\n")
    write(folder / "sub", b="x\n2\n")
    write(folder / ".git", c="x\n3\n")
    (folder / ".hidden.csv").write_text("x\n4\n")
    (folder / "again").symlink_to(folder / "sub")
    (folder / "linked.csv").symlink_to(folder / "a.csv")
    made = run_json("commit", str(folder), "-m", "first")
    assert [file["path"] for file in made["files"]] == ["a.csv", "linked.csv", "sub/b.csv"]
    assert made["left_out"] == {
        str(folder / ".git"): "hidden",
        str(folder / ".hidden.csv"): "hidden",
        str(folder / "again"): "a link to a folder",
    }
    assert made["changed"]
    said = run("commit", str(folder), "-m", "again")
    assert ".hidden.csv: hidden" in said
    assert "Nothing changed" in said
    assert dataset.head().message == "first"


def test_hidden_file_that_is_named_is_committed(dataset: Dataset, tmp_path: Path) -> None:
    hidden = tmp_path / ".a.csv"
    hidden.write_text("x\n1\n")
    run("commit", str(hidden), "-m", "named")
    assert [file.path for file in dataset.head().files] == [".a.csv"]


def test_replace_makes_the_files_the_whole_dataset(dataset: Dataset, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", a="x\n1\n", b="x\n2\n")
    run("commit", str(folder), "-m", "first")
    (folder / "a.csv").unlink()
    run("commit", str(folder), "-m", "adds")
    assert len(dataset.head().files) == 2
    run("commit", str(folder), "--replace", "-m", "replaces")
    assert [file.path for file in dataset.head().files] == ["b.csv"]


@pytest.mark.usefixtures("world")
def test_two_files_of_one_name_and_empty_folders_are_refused(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", a="1"), write(tmp_path / "two", a="2")
    with pytest.raises(MooringError, match=r"one/a\.csv and .*two/a\.csv both have the name 'a\.csv'"):
        run("commit", str(one / "a.csv"), str(two / "a.csv"), "-m", "both")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".x").touch()
    with pytest.raises(MooringError, match=r"no files .*\.x: hidden"):
        run("commit", str(tmp_path / "empty"), "-m", "none")


@pytest.fixture
def history(dataset: Dataset, tmp_path: Path) -> list[str]:
    """Three commits' ids, oldest first: a; a and b; b changed, a renamed."""
    folder = write(tmp_path / "in", a="x,c\n1,red\n2,red\n")
    run("commit", str(folder), "-m", "first")
    write(folder, b="x,c\n3,blue\n")
    run("commit", str(folder), "-m", "second")
    (folder / "a.csv").rename(folder / "z.csv")
    write(folder, b="x,when\n3.5,2026-01-01\n")
    run("commit", str(folder), "--replace", "-m", "third")
    return [commit.id for commit in dataset.log()][::-1]


def test_log_is_newest_first_and_limited(history: list[str]) -> None:
    assert [entry["id"] for entry in run_json("log")] == history[::-1]
    assert [entry["message"] for entry in run_json("log", "--limit", "2")] == ["third", "second"]
    assert history[2][:12] in run("log")


def test_revisions_are_heads_and_prefixes_of_ids(history: list[str]) -> None:
    assert run_json("show")["id"] == history[2]
    assert run_json("show", "HEAD~2")["id"] == history[0]
    assert run_json("show", history[1][:8])["id"] == history[1]
    with pytest.raises(MooringError, match="HEAD~3") as unknown:
        run("show", "HEAD~3")
    assert "mooring data log" in unknown.value.remedy


def test_show_says_files_rows_columns_and_sizes(history: list[str]) -> None:
    said = run("show", "HEAD")
    assert history[2] in said
    assert "3: x, when (in 1 of 2), c (in 1 of 2)" in said
    assert "z.csv" in said


def test_diff_says_files_columns_and_how_they_moved(history: list[str]) -> None:
    found = run_json("diff", history[1], "HEAD")
    assert [pair["new"]["path"] for pair in found["files"]["changed"]] == ["b.csv"]
    assert [pair["new"]["path"] for pair in found["files"]["renamed"]] == ["z.csv"]
    assert found["table"]["schema"]["added"] == {"when": "time"}
    assert found["table"]["schema"]["retyped"] == {"x": ["integer", "number"]}
    assert {column["name"] for column in found["table"]["columns"]} == {"x", "c"}
    said = run("diff", history[1], "HEAD")
    for words in ("was a.csv", "integer -> number", "1 renamed", "mean 2"):
        assert words in said


def test_parquet_beside_csv_is_compared_and_profiled(dataset: Dataset, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", a="when,x,c\n2026-01-01,1,red\n2026-02-01,2,\n")
    run("commit", str(folder), "-m", "csv")
    rows = {
        "when": pd.to_datetime(pd.Series(["2026-01-01", None, "2026-03-01"])),
        "x": [1.5, None, 3.0],
        "c": ["red", "blue", None],
    }
    pd.DataFrame(rows).to_parquet(folder / "b.parquet")
    (folder / "empty.csv").write_text("x,c,new\n")
    run("commit", str(folder), "-m", "parquet")
    moved = run_json("diff", "HEAD~1", "HEAD")["table"]
    assert (moved["old_rows"], moved["new_rows"]) == (2, 5)
    assert moved["schema"]["added"] == {"new": "empty"}
    assert moved["schema"]["retyped"] == {"x": ["integer", "number"]}
    kinds = {column["name"]: column["kind"] for column in moved["columns"]}
    assert kinds == {"when": "time", "x": "integer", "c": "text"}
    found = run_json("profile", "-o", str(tmp_path / "page.html"))["profile"]
    assert {column["name"]: (column["kind"], column["missing"]) for column in found["columns"]} == {
        **{"when": ("time", 1), "x": ("number", 1), "c": ("text", 2), "new": ("empty", 5)}
    }
    days = [["2026-01-01", 2], ["2026-02-01", 1], ["2026-03-01", 1]]
    assert [period for period in found["periods"] if period[1]] == days
    assert dataset.head().message == "parquet"


def test_diff_of_files_only_fetches_nothing(history: list[str], dataset: Dataset) -> None:
    for file in dataset.head().files:
        dataset.bucket.client.delete_object(Bucket=dataset.bucket.name, Key=object_key("flights", file.sha256))
    assert "1 changed" in run("diff", history[1], "--files")
    assert "the same files" in run("diff", "HEAD", "HEAD")


@pytest.mark.usefixtures("history")
def test_checkout_gives_the_bytes_back_and_keeps_what_is_in_no_commit(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run("checkout", "HEAD~1", str(folder))
    assert (folder / "a.csv").read_text() == "x,c\n1,red\n2,red\n"
    (folder / "a.csv").write_text("mine")
    (folder / "notes.txt").write_text("mine too")
    with pytest.raises(MooringError, match=r"a\.csv") as refused:
        run("checkout", "HEAD~1", str(folder))
    assert "--overwrite" in refused.value.remedy
    assert (folder / "a.csv").read_text() == "mine"
    assert "notes.txt" in run("checkout", "HEAD~1", str(folder), "--overwrite")
    assert (folder / "a.csv").read_text() == "x,c\n1,red\n2,red\n"


def test_verify_names_what_is_damaged_and_fails(history: list[str], dataset: Dataset) -> None:
    assert "nothing is damaged" in run("verify", "--all")
    damaged = next(file for file in dataset.head().files if file.path == "b.csv")
    dataset.bucket.client.put_object(
        Bucket=dataset.bucket.name, Key=object_key("flights", damaged.sha256), Body=b"x,when\n9,2026-01-01\n"
    )
    ran = CliRunner().invoke(cli, ["data", "verify", ENVIRONMENT.id, "flights", "--json"])
    assert damaged.sha256 in json.loads(ran.output)["damages"][0]["what"]
    assert isinstance(ran.exception, MooringError)
    assert "nothing is damaged" in run("verify", history[0])


def test_verify_of_a_commit_whose_manifest_is_cut_off_names_it(history: list[str], dataset: Dataset) -> None:
    key = commit_key("flights", history[1])
    dataset.bucket.client.put_object(Bucket=dataset.bucket.name, Key=key, Body=b'{"format": 1, ')
    with pytest.raises(MooringError, match="damage in 1 place"):
        run("verify", history[1])
    with pytest.raises(MooringError) as unreadable:
        run("show", history[1])
    assert "mooring data verify" in unreadable.value.remedy


@pytest.mark.usefixtures("history")
def test_profile_writes_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = run_json("profile", "HEAD~1", "-o", str(page))
    assert (found["profile"]["rows"], found["page"]) == (3, str(page))
    assert "flights in arrivals-dev-us-east-1" in page.read_text()
    assert "3 rows, 2 columns" in run("profile", "HEAD~1", "-o", str(page))


@pytest.mark.usefixtures("world")
def test_profile_of_no_table_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no table")
    run("commit", str(tmp_path / "notes.txt"), "-m", "text")
    with pytest.raises(MooringError, match=r"notes\.txt") as refused:
        run("profile", "-o", str(tmp_path / "page.html"))
    assert "CSV" in refused.value.remedy


def test_bucket_of_another_owner_is_refused_with_a_remedy(history: list[str]) -> None:
    """S3 answers 403 to a request that expects another owner than the bucket has; moto does not, so the client does."""

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["headers"].get("x-amz-expected-bucket-owner") not in (None, "999999999999"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")

    def resolve() -> None:
        with opened(ENVIRONMENT.id, "flights") as found:
            found.bucket.client.meta.events.register("before-call.s3", refuse)
            found.resolve(history[0])

    with pytest.raises(MooringError, match=f"{ENVIRONMENT.bucket('data')} of account 123456789012") as refused:
        resolve()
    assert "--expected-bucket-owner 123456789012" in refused.value.remedy


@pytest.mark.usefixtures("world")
def test_other_errors_of_aws_are_left_to_be_explained_elsewhere() -> None:
    with pytest.raises(ClientError), opened(ENVIRONMENT.id, "flights"):
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "slow"}}, "GetObject")
