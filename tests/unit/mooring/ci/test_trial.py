"""Which models a change touches, and how the samples of their datasets moved."""

import shutil
from pathlib import Path

import pytest
import yaml

from infra.fleet import FleetEnvironment, parse
from mooring.ci.samples import compare_samples, sample_files
from mooring.ci.trial import reasons_to_retrain
from tests.support.synth import FLEET

DEV = "arrivals-dev-us-east-1"
PROGRAM, SAMPLES = "pipelines/models/late_arrival", "samples/flights"
FOLDERS = (PROGRAM, "pipelines/jobs", "pipelines/statistics", "pipelines/tables", SAMPLES)


def environment(**model: object) -> FleetEnvironment:
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    document["teams"][0]["models"][0] |= model
    return parse(document).environment(DEV)


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Return the work trees of a change and of its target, which hold the same."""
    for tree in ("change", "target"):
        for folder in FOLDERS:
            (tmp_path / tree / folder).mkdir(parents=True)
            (tmp_path / tree / folder / "file.csv").write_text("a,b\n1,2\n")
    return tmp_path / "change", tmp_path / "target"


def reasons(trees: tuple[Path, Path], **model: object) -> list[str]:
    after, before = environment(**model), environment()
    return list(reasons_to_retrain(after, after.team.models[0], before, *trees))


def test_an_equal_model_is_not_retrained(trees: tuple[Path, Path]) -> None:
    assert reasons(trees) == []


def test_settings_that_decide_about_a_candidate_retrain_and_others_do_not(trees: tuple[Path, Path]) -> None:
    assert reasons(trees, gate={"metric": "auc", "bound": 0.65}) == ["its settings differ: gate"]
    assert reasons(trees, window_months=2) == ["its settings differ: window_months"]
    assert reasons(trees, serving={"max_instances": 2}, two_people=True) == []


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (PROGRAM, "its program differs"),
        *((folder, "the code of all models' jobs differs") for folder in FOLDERS[1:4]),
        (SAMPLES, "the samples of flights differ"),
    ],
)
def test_each_folder_that_a_retraining_reads_is_compared(folder: str, expected: str, trees: tuple[Path, Path]) -> None:
    (trees[0] / folder / "file.csv").write_text("a,b\n1,3\n")
    assert reasons(trees) == [expected]


def test_a_model_that_the_target_lacks_is_new(trees: tuple[Path, Path]) -> None:
    found = environment()
    assert list(reasons_to_retrain(found, found.team.models[0], None, *trees)) == ["it is new"]


def test_equal_samples_have_no_difference(trees: tuple[Path, Path]) -> None:
    assert compare_samples(DEV, "flights", trees[1], trees[0]) is None
    assert compare_samples(DEV, "absent", trees[1], trees[0]) is None


def test_samples_are_compared_by_file_row_and_column(trees: tuple[Path, Path]) -> None:
    change, target = trees
    (target / "samples/flights/file.csv").write_text("a,b\n" + "1,2\n" * 50)
    (change / "samples/flights/file.csv").write_text("a,c\n" + "9,x\n" * 60)
    (change / "samples/flights/more.csv").write_text("a,c\n" + "9,y\n" * 40)
    (change / "samples/flights/.hidden").write_text("no sample")
    found = compare_samples(DEV, "flights", target, change)
    assert found is not None
    assert found.files == {"added": 1, "removed": 0, "changed": 1, "renamed": 0}
    assert (found.rows_before, found.rows_after) == (50, 100)
    assert found.schema == ("c is added, of kind text", "b is removed")
    (column,) = found.columns
    assert (column.name, column.before, column.after) == ("a", "mean 1", "mean 9")
    assert column.effect > 0.9


def test_new_samples_are_all_added(trees: tuple[Path, Path]) -> None:
    shutil.rmtree(trees[1] / "samples")
    found = compare_samples(DEV, "flights", trees[1], trees[0])
    assert found is not None
    assert (found.files["added"], found.rows_before, found.rows_after, found.columns) == (1, 0, 1, ())
    assert sample_files(trees[1], "flights") == {}
