"""Checks real data: employment in Massachusetts, where a model keeps its quality, and flights, where it does not."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from pipelines.interface.settings import Drift
from pipelines.jobs.evaluation.importance import shares
from pipelines.models import flights
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.statistics.baseline import usual_effects
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import PREDICTION, Profile
from tests.benchmarks import environments

RULES = Drift(window_hours=1, min_rows=1000, false_alarm_rate=0.005, min_effect=0.07, persistence=1)
MONTHS = 12
P_VALUE = 0.05
Column = npt.NDArray[Any]


def main() -> None:
    employment()
    months()


def employment() -> None:
    """Check employment month by month. The data have a row's year only, so each year is split into twelve parts.

    They are split at random, and in the order of the file: there, people in institutions are at the end of 2017 and the
    beginning of 2018.
    """
    path = environments.FOLDER / "employment.npz"
    environments.run("nannyml", "tests.benchmarks.rivals.employment", str(path))
    training, later = _parts(path)
    numbers = {"AGEP", "predicted_probability"}
    features = [
        name for name in training if name not in {"id", "year", "employed", "prediction", "predicted_probability"}
    ]
    importance = _importance(training, features)
    renamed = {**{name: name for name in features}, "predicted_probability": PREDICTION}

    def table(part: Mapping[str, Column], rows: Any) -> dict[str, Column]:
        return {new: part[name][rows] for name, new in renamed.items()}

    categories = [name for name in features if name not in numbers]
    reference = Profile.of([table(training, slice(None))], categories=categories)
    random = np.random.default_rng(0)
    print(
        "employment in Massachusetts: months of 2016 to 2018 against 2015; columns with p < 0.05 by chi-square",
        flush=True,
    )
    for order in ("at random", "as in the file"):
        outcomes: dict[str, Counter[str]] = {"importance known": Counter(), "not known": Counter()}
        flagged, aucs = [], []
        for year in np.unique(later["year"]):
            of_year = np.flatnonzero(later["year"] == year)
            for rows in np.array_split(random.permutation(of_year) if order == "at random" else of_year, MONTHS):
                comparison = compare(reference, Profile.of([table(later, rows)], like=reference))
                for known, counter in outcomes.items():
                    counter[_outcome(comparison, importance if known == "importance known" else {})] += 1
                flagged.append(sum(column.chi_square_p_value < P_VALUE for column in comparison.columns))
                aucs.append(float(roc_auc_score(later["employed"][rows], later["predicted_probability"][rows])))
        text = "; ".join(f"{known}: {dict(counter)}" for known, counter in outcomes.items())
        print(f"  {order}: {text}; flagged by p < 0.05: {np.median(flagged):.0f} of {len(reference.columns)} columns")
        print(f"    AUC {min(aucs):.3f} to {max(aucs):.3f}", flush=True)


def _outcome(comparison: Any, importance: Mapping[str, float]) -> str:
    return decide(comparison, RULES, records=1, corrupt=0, importance=importance).outcome


def _parts(path: Path) -> tuple[dict[str, Column], dict[str, Column]]:
    with np.load(path) as arrays:
        found: dict[str, dict[str, Column]] = {"reference": {}, "analysis": {}}
        for key in arrays.files:
            part, name = key.split(" ", 1)
            found[part][name] = arrays[key]
    return found["reference"], found["analysis"]


def _importance(training: Mapping[str, Column], features: list[str]) -> dict[str, float]:
    """Return the importance in a model of the same features and target, by permutation on held-out rows."""
    values = np.column_stack([training[name].astype(float) for name in features])
    labels, random = training["employed"], np.random.default_rng(0)
    held_out = random.random(len(labels)) < 0.25
    model = HistGradientBoostingClassifier(random_state=0).fit(values[~held_out], labels[~held_out])

    def auc(rows: Column) -> float:
        return float(roc_auc_score(labels[held_out], model.predict_proba(rows)[:, 1]))

    rows = values[held_out]
    losses = {}
    for number, name in enumerate(features):
        permuted = rows.copy()
        permuted[:, number] = random.permutation(permuted[:, number])
        losses[name] = max(0.0, auc(rows) - auc(permuted))
    return shares(losses)


def months() -> None:
    """Check the flights of each month against those of January to March."""
    print("flights: each month of 2013 against January to March", flush=True)
    categories = ("carrier", "origin", "dest")
    tables = {
        month: {name: flights.month_rows(month)[name].to_numpy() for name in flights.FEATURES} for month in range(1, 13)
    }
    reference = Profile.of([tables[month] for month in (1, 2, 3)], categories=categories)
    usual = usual_effects(reference, [tables[month] for month in (1, 2, 3)])
    for month, table in tables.items():
        comparison = compare(reference, Profile.of([table], like=reference))
        found: Decision = decide(comparison, RULES, records=1, corrupt=0, usual=usual)
        worst = ", ".join(f"{column.name} {column.effect:.2f}" for column in found.worst if column.drifted)
        print(f"  {month:>2}: {found.outcome}: {worst}", flush=True)


if __name__ == "__main__":
    main()
