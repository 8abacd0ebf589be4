"""``mooring data forget`` and ``restore`` against moto: plans, questions, results and errors."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mooring.cli import cli
from mooring.errors import MooringError
from pipelines.interface.paths import object_key
from tests.functional.test_data_commands import FLEET
from tests.support.scene import CANARY, Scene, scene, table
from tests.support.world import ENVIRONMENT

__all__ = ["scene"]

ROWS = ("--where", f"passenger={CANARY}", "--reason", "ticket 12", "--by", "olga")


@pytest.fixture(autouse=True)
def fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    monkeypatch.setenv("MOORING_FLEET", str(path))


def invoke(command: str, *arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(cli, ["data", command, ENVIRONMENT.id, "flights", *arguments], input=answer)


def run(command: str, *arguments: str, answer: str = "") -> str:
    ran = invoke(command, *arguments, answer=answer)
    if ran.exception:
        raise ran.exception
    return ran.output


def error_of(command: str, *arguments: str) -> MooringError:
    error = invoke(command, *arguments).exception
    assert isinstance(error, MooringError)
    return error


def test_shows_the_plan_and_asks_first(scene: Scene) -> None:
    made = scene.commit("first", january=table("ann", CANARY))
    asked = invoke("forget", *ROWS, answer="n\n")
    assert "1 row in 1 distinct content\n  commits to rewrite: 1 of 1" in asked.output
    assert asked.exit_code == 1
    assert scene.dataset().head() == made
    output = run("forget", *ROWS, answer="y\n")
    assert f"{made.id} is now {scene.dataset().read_head()}" in output
    assert scene.where(CANARY) == []
    assert CANARY not in output


def test_json_does_nothing_without_yes(scene: Scene) -> None:
    made = scene.commit("first", january=table("ann", CANARY))
    planned = json.loads(run("forget", *ROWS, "--json"))
    assert (planned["done"], planned["rows"], list(planned["commits"])) == (False, 1, [made.id])
    assert scene.dataset().head() == made
    done = json.loads(run("forget", *ROWS, "--json", "--yes"))
    assert (done["done"], done["by"], done["commits"]) == (True, "olga", planned["commits"])
    assert done["ended"]
    again = json.loads(run("forget", *ROWS, "--json", "--yes"))
    assert (again["done"], again["commits"], again["contents"]) == (False, {}, 0)


def test_forgets_a_file_by_its_name(scene: Scene) -> None:
    scene.commit("first", january=table("ann"), february=table(CANARY))
    run("forget", "--file", "february.csv", "--reason", "licence ended", "--yes")
    assert [file.path for file in scene.dataset().head().files] == ["january.csv"]
    assert scene.where(CANARY) == []


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--where", "passenger"),
        ("--where", "=x"),
        ("--where", "a=1", "--where", "a=2"),
        ("--where", "a=1", "--file", "b"),
    ],
)
def test_refuses_options_without_one_clear_subject(scene: Scene, options: tuple[str, ...]) -> None:
    scene.commit("first", january=table("ann"))
    error = error_of("forget", *options, "--reason", "r", "--yes")
    assert "--where" in error.remedy


def test_refuses_a_reason_that_names_the_subject_with_a_remedy(scene: Scene) -> None:
    scene.commit("first", january=table("ann", CANARY))
    error = error_of("forget", "--where", f"passenger={CANARY}", "--reason", f"{CANARY} asked", "--yes")
    assert "ticket" in error.remedy
    assert CANARY not in f"{error.message} {error.remedy}"
    assert scene.where(CANARY) != []


def test_restores_what_verify_finds(scene: Scene) -> None:
    made = scene.commit("first", january=table("ann"))
    key = object_key("flights", made.files[0].sha256)
    scene.world.client("s3").delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=key)
    assert "mooring data restore" in error_of("verify").remedy
    assert key in run("restore")
    assert "nothing is damaged" in run("verify")
    assert "nothing is damaged" in run("restore")


def test_object_without_a_sound_version_is_an_error(scene: Scene) -> None:
    made = scene.commit("first", january=table("ann"))
    key = object_key("flights", made.files[0].sha256)
    s3 = scene.world.client("s3")
    version = s3.head_object(Bucket=ENVIRONMENT.bucket("data"), Key=key)["VersionId"]
    s3.delete_object(Bucket=ENVIRONMENT.bucket("data"), Key=key, VersionId=version)
    error = error_of("restore")
    assert f"missing object {key}" in error.message
    assert "commit the files" in error.remedy
