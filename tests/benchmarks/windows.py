"""Windows of 25 columns for the benchmarks of the monitoring, made with numpy only, which every rival has.

20 numeric columns, a heavy-tailed, a discrete, a nearly constant one and a mixture among them; 5 categorical ones, one
of 300 levels.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Table = dict[str, npt.NDArray[Any]]

REFERENCE_ROWS = 100_000
REFERENCE_SEED = 0
LEVELS = {"c2": 2, "c3": 3, "c5": 5, "c10": 10, "c300": 300}
CATEGORIES = tuple(LEVELS)
ZIPF = 1 / np.arange(1, 301) / np.sum(1 / np.arange(1, 301))
SHIFT = 0.25

CLEAN, SHIFTED, MOVED, HALVED = "clean", "shifted", "moved", "halved"
CHANGED = {SHIFTED: "n0", MOVED: "c5", HALVED: "c300"}
"""Changed column of each kind: n0 by a quarter of a standard deviation; in c5 an eighth of all rows leave the first
level; in c300 half of the first level's rows leave it."""


def table(rows: int, seed: int, kind: str = CLEAN) -> Table:
    """Return a window; the same arguments give the same window in every environment."""
    random = np.random.default_rng(seed)
    columns: Table = {f"n{number}": random.normal(size=rows) for number in range(14)}
    columns |= {
        "exponential": random.exponential(size=rows),
        "uniform": random.random(rows),
        "heavy": random.standard_cauchy(rows),
        "discrete": random.poisson(3, rows).astype(float),
        "nearly": (random.random(rows) < 0.001).astype(float),
        "mixed": np.where(random.random(rows) < 0.95, 0.0, random.exponential(size=rows)),
    }
    for name, levels in LEVELS.items():
        shares = ZIPF if levels == len(ZIPF) else None
        columns[name] = np.array([f"k{level}" for level in range(levels)], dtype=object)[
            random.choice(levels, rows, p=shares)
        ]
    if kind == SHIFTED:
        columns["n0"] = columns["n0"] + SHIFT
    if kind in (MOVED, HALVED):
        _leave(columns, random, kind)
    return columns


def _leave(columns: Table, random: np.random.Generator, kind: str) -> None:
    name = CHANGED[kind]
    first = np.flatnonzero(columns[name] == "k0")
    leaving = random.permutation(first)[: round(len(columns[name]) * SHIFT / 2) if kind == MOVED else len(first) // 2]
    columns[name][leaving] = [f"k{1 + number % (LEVELS[name] - 1)}" for number in range(len(leaving))]


def reference() -> Table:
    return table(REFERENCE_ROWS, REFERENCE_SEED)
