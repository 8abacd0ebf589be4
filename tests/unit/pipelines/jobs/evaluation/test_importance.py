"""Importance of features by permutation."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.jobs.evaluation.importance import BUDGET_ROWS, MAX_ROWS, MIN_ROWS, REPEATS, Permutations, shares

RANDOM = np.random.default_rng(0)
NAME = 'Ür, "quoted"'
ROWS = pd.DataFrame(
    {
        "strong": RANDOM.normal(size=3000),
        "weak": RANDOM.normal(size=3000),
        "none": RANDOM.normal(size=3000).round(3),
        "town": RANDOM.choice(np.array([NAME, "b", np.nan], dtype=object), 3000),
    }
)
FEATURES = [str(name) for name in ROWS]
LABELS = (3 * ROWS.strong + ROWS.weak).to_numpy()


def predicted_rows(folder: Path, permutations: Permutations) -> pd.DataFrame:
    permutations.write(ROWS, folder / "rows.csv.gz")
    with gzip.open(folder / "rows.csv.gz", "rt", encoding="utf-8") as file:
        return pd.read_csv(file, float_precision="round_trip")


def test_sample_is_written_once_as_it_is_and_then_with_one_feature_permuted_at_a_time(tmp_path: Path) -> None:
    permutations = Permutations.of(len(ROWS), FEATURES, seed=1)
    table = predicted_rows(tmp_path, permutations)
    sample = ROWS.iloc[permutations.sample].reset_index(drop=True)
    size = len(sample)
    assert len(table) == size * (1 + REPEATS * len(ROWS.columns))
    pd.testing.assert_frame_equal(table[:size], sample)
    for number in range(REPEATS * len(ROWS.columns)):
        part = table[size * (number + 1) : size * (number + 2)].reset_index(drop=True)
        name = ROWS.columns[number // REPEATS]
        pd.testing.assert_frame_equal(part.drop(columns=name), sample.drop(columns=name))
        assert not part[name].equals(sample[name])
        assert sorted(part[name].astype(str)) == sorted(sample[name].astype(str))


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_feature_with_more_weight_has_more_importance(tmp_path: Path, metric: str) -> None:
    permutations = Permutations.of(len(ROWS), FEATURES, seed=1)
    table = predicted_rows(tmp_path, permutations)
    predictions = (3 * table.strong + table.weak).to_numpy()
    found = permutations.importance("regression", metric, LABELS, predictions)
    assert found["strong"] > 2 * found["weak"] > 0
    assert found["none"] == found["town"] == 0
    assert sum(found.values()) == pytest.approx(1)
    assert found == Permutations.of(len(ROWS), FEATURES, seed=1).importance("regression", metric, LABELS, predictions)


def test_constant_model_has_no_importance(tmp_path: Path) -> None:
    permutations = Permutations.of(len(ROWS), FEATURES, seed=1)
    constant = np.zeros(len(predicted_rows(tmp_path, permutations)))
    assert permutations.importance("regression", "mae", LABELS, constant) == {}
    assert shares({"a": float("nan")}) == shares({}) == {}


@pytest.mark.parametrize(("rows", "features", "size"), [(10, 5, 10), (50_000, 5, MAX_ROWS), (50_000, 5000, MIN_ROWS)])
def test_cost_is_bounded(rows: int, features: int, size: int) -> None:
    permutations = Permutations.of(rows, [str(number) for number in range(features)], seed=0)
    assert len(permutations.sample) == size
    assert len(permutations.sample) == len(set(permutations.sample.tolist()))
    assert size in (MIN_ROWS, rows) or size * features * REPEATS <= BUDGET_ROWS
