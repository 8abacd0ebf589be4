"""Metrics against scikit-learn, the bootstrap, and archives that must not be unpacked."""

import gzip
import io
import math
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from pipelines.jobs.evaluation.artifact import UnsafeArtifactError, content_sha256, rows_sha256, unpack
from pipelines.jobs.evaluation.bootstrap import paired_gain
from pipelines.statistics.metrics import InvalidPredictionsError, measure


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_classification_metrics_agree_with_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    labels = np.array([float(label) for label, _ in pairs])
    scores = np.array([score / 5 for _, score in pairs])
    found = measure("classification", labels, scores)
    if 0 < labels.sum() < len(labels):
        assert math.isclose(found["auc"], sk.roc_auc_score(labels, scores), abs_tol=1e-12)
    else:
        assert math.isnan(found["auc"])
    assert math.isclose(found["brier"], float(np.mean((labels - scores) ** 2)), abs_tol=1e-12)
    expected = sk.log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15), labels=[0, 1])
    assert math.isclose(found["log_loss"], expected, rel_tol=1e-6, abs_tol=1e-12)
    if labels.any() or (scores >= 0.5).any():
        assert math.isclose(found["f1"], sk.f1_score(labels, scores >= 0.5, zero_division=0), abs_tol=1e-12)
    else:
        assert math.isnan(found["f1"])


def test_calibration_error_is_the_distance_of_shares_from_scores() -> None:
    labels, scores = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.8, 0.8, 1.0, 0.0])
    assert math.isclose(measure("classification", labels, scores)["calibration_error"], 2 * 0.3 / 4)
    random = np.random.default_rng(0)
    scores = random.random(100_000)
    labels = (random.random(100_000) < scores).astype(float)
    assert measure("classification", labels, scores)["calibration_error"] < 0.01
    assert measure("classification", labels, 1 - scores)["calibration_error"] > 0.4


def test_regression_metrics_are_in_the_targets_unit() -> None:
    found = measure("regression", np.array([1.0, 2.0]), np.array([2.0, 5.0]))
    assert found == {"mae": 2.0, "rmse": math.sqrt(5), "bias": 2.0}


@pytest.mark.parametrize("predictions", [[], [1.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_unusable_predictions_are_refused(predictions: list[float]) -> None:
    with pytest.raises(InvalidPredictionsError):
        measure("regression", np.array([1.0, 2.0]), np.array(predictions))


def test_gain_is_the_repeatable_difference_of_the_metrics() -> None:
    random = np.random.default_rng(1)
    labels = (random.random(2000) < 0.3).astype(float)
    good, bad = labels + random.normal(0, 1, 2000), labels + random.normal(0, 3, 2000)
    gain = paired_gain("classification", "auc", labels, good, bad, samples=100)
    assert math.isclose(gain.difference, sk.roc_auc_score(labels, good) - sk.roc_auc_score(labels, bad))
    assert 0 < gain.low < gain.difference < gain.high
    assert gain == paired_gain("classification", "auc", labels, good, bad, samples=100)
    assert paired_gain("regression", "mae", labels, bad, good, samples=100).high < 0, "lower is better"


def archive(path: Path, *members: tarfile.TarInfo, size: int = 3) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            if member.isreg():
                member.size = size
            tar.addfile(member, io.BytesIO(b"x" * size) if member.isreg() else None)
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "members",
    [
        [entry("../up")],
        [entry("a/../../up")],
        [entry("/root")],
        [entry("link", tarfile.SYMTYPE)],
        [entry("hard", tarfile.LNKTYPE)],
        [entry("device", tarfile.CHRTYPE)],
        [entry("fifo", tarfile.FIFOTYPE)],
        [entry("twice"), entry("./twice")],
        [entry(str(number)) for number in range(11)],
    ],
)
def test_malicious_archive_is_refused(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    with pytest.raises(UnsafeArtifactError):
        unpack(archive(tmp_path / "model.tar.gz", *members), tmp_path / "out", max_files=10)
    assert not (tmp_path / "up").exists()


def test_bomb_and_garbage_are_refused(tmp_path: Path) -> None:
    bomb = archive(tmp_path / "bomb.tar.gz", entry("zeros"), size=1000)
    with pytest.raises(UnsafeArtifactError, match="more than"):
        unpack(bomb, tmp_path / "out", max_bytes=999)
    (tmp_path / "garbage.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UnsafeArtifactError, match="not a readable"):
        unpack(tmp_path / "garbage.tar.gz", tmp_path / "out")


def test_plain_archive_is_unpacked(tmp_path: Path) -> None:
    unpack(archive(tmp_path / "model.tar.gz", entry("code", tarfile.DIRTYPE), entry("code/a.py")), tmp_path / "out")
    assert (tmp_path / "out" / "code" / "a.py").read_bytes() == b"xxx"


def test_archives_of_the_same_content_have_one_content_digest(tmp_path: Path) -> None:
    one, two = entry("code/a.py"), entry("model.joblib")
    later = entry("code/a.py")
    later.mtime, later.uname = 1_800_000_000, "somebody"
    first = archive(tmp_path / "first.tar.gz", one, two)
    second = archive(tmp_path / "second.tar.gz", two, later)
    assert first.read_bytes() != second.read_bytes()
    other = archive(tmp_path / "other.tar.gz", one, entry("model.pickle"))
    digests = []
    for packed in (first, second, other):
        unpack(packed, tmp_path / packed.stem)
        digests.append(content_sha256(tmp_path / packed.stem))
    assert digests[0] == digests[1] != digests[2]


def test_digest_of_rows_does_not_depend_on_the_compression(tmp_path: Path) -> None:
    for level in (1, 9):
        with gzip.open(tmp_path / f"{level}.csv.gz", "wb", compresslevel=level) as file:
            file.write(b"a,b\n" + b"1,2\n" * 1000)
    assert (tmp_path / "1.csv.gz").read_bytes() != (tmp_path / "9.csv.gz").read_bytes()
    assert rows_sha256(tmp_path / "1.csv.gz") == rows_sha256(tmp_path / "9.csv.gz")
