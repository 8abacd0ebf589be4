"""Measures the monitoring beside three rivals: false alarms and power, real data without a loss of quality, and speed.

``python -m tests.benchmarks.bench_monitoring [calibration|silence|speed]...``; all parts take about 40 minutes, nearly
all of it for the rivals, although they check fewer windows.
"""

import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np
import scipy
from scipy import stats

from pipelines.interface.settings import Drift
from pipelines.monitoring.drift.decision import Decision, decide
from pipelines.statistics.comparison import compare
from pipelines.statistics.profile import Profile
from tests.benchmarks import environments, silence, windows

RULES = Drift(window_hours=1, min_rows=50, false_alarm_rate=0.005, min_effect=0.07, persistence=1)
"""The built-in rules, with a smaller ``min_rows``, so that the smallest windows are checked too."""
ROWS = (50, 200, 1_000, 10_000, 100_000)
CHANGED_ROWS = (1_000, 10_000)
WINDOWS = 500
RIVALS_WINDOWS = {
    "evidently": dict.fromkeys(ROWS, 3),
    "nannyml": {50: 500, 200: 500, 1_000: 500, 10_000: 50, 100_000: 10},
    "whylogs": {50: 100, 200: 100, 1_000: 100, 10_000: 20, 100_000: 5},
}
SPEED_ROWS, LOOP_ROWS = 100_000, 1_000_000
REPEATS = 5
CHECKER = ("statistics.profile", "statistics.comparison", "monitoring.drift.decision", "monitoring.drift.report")
"""Modules of ``pipelines`` whose import is timed."""


class Ours:
    def __init__(self) -> None:
        self._reference = Profile.of([windows.reference()], categories=windows.CATEGORIES)

    def check(self, table: windows.Table) -> Decision:
        current = Profile.of([table], like=self._reference)
        return decide(compare(self._reference, current), RULES, records=1, corrupt=0)

    def raised(self, rows: int, kind: str, count: int) -> int:
        """Return the number of windows with any changed column, or with the ``kind``'s if it has one."""
        changed, found = windows.CHANGED.get(kind), 0
        for seed in range(1, count + 1):
            names = [column.name for column in self.check(windows.table(rows, seed, kind)).worst]
            found += changed in names if changed else bool(names)
        return found


def calibration() -> None:
    """Print the share of windows in which a change was found, ours and the rivals'."""
    cases = [(rows, windows.CLEAN) for rows in ROWS]
    cases += [(rows, kind) for kind in windows.CHANGED for rows in CHANGED_ROWS]
    ours = Ours()
    print("raised in windows of clean and of changed data; reference of 100,000 rows, 25 columns", flush=True)
    results: dict[tuple[int, str], list[str]] = {}
    for rows, kind in cases:
        results[rows, kind] = [_share(ours.raised(rows, kind, WINDOWS), WINDOWS)]
        print(f"{kind:>8} {rows:>8,} {results[rows, kind][0]:>16}", flush=True)
    for rival, counts in RIVALS_WINDOWS.items():
        commands = [{"do": "raised", "rows": rows, "kind": kind, "windows": counts[rows]} for rows, kind in cases]
        answer = environments.ask(rival, commands)
        print(answer["versions"], flush=True)
        for case, found in zip(cases, answer["answers"], strict=True):
            results[case].append(_share(found["raised"], found["windows"]))
    print(f"{'window':>8} {'rows':>8} {'ours':>16}" + "".join(f" {rival:>16}" for rival in RIVALS_WINDOWS))
    for (rows, kind), shares in results.items():
        print(f"{kind:>8} {rows:>8,}" + "".join(f" {share:>16}" for share in shares), flush=True)


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%} of {of}"


def speed() -> None:
    """Print CPU seconds of a full check in memory, ours and each rival's; the reference is computed before."""
    ours = Ours()
    table = windows.table(SPEED_ROWS, 1)
    print(f"a check of {SPEED_ROWS:,} rows in memory, CPU seconds, medians of {REPEATS}", flush=True)
    for rival in environments.RIVALS:
        before = _seconds(lambda: ours.check(table))
        commands = [{"do": "time", "rows": SPEED_ROWS, "kind": windows.CLEAN, "windows": REPEATS}]
        theirs = environments.ask(rival, commands)["answers"][0]["seconds"]
        both = before + _seconds(lambda: ours.check(table))
        _print_ratio(rival, both, theirs)
    many, reference = windows.table(LOOP_ROWS, 1), windows.reference()
    mine, loop = [], []
    for _ in range(3):
        mine += _seconds(lambda: ours.check(many), 1)
        loop += _seconds(lambda: scipy_loop(reference, many), 1)
    _print_ratio(f"scipy, {LOOP_ROWS:,} rows", mine, loop)
    milliseconds = [import_ms() for _ in range(REPEATS)]
    print(f"import of the checker without boto3: {median(milliseconds):.0f} ms")


def scipy_loop(reference: Mapping[str, Any], table: Mapping[str, Any]) -> None:
    """Run one of scipy's tests for each column, the simplest check."""
    for name, values in table.items():
        if name not in windows.CATEGORIES:
            stats.ks_2samp(reference[name], values, method="asymp")
            stats.wasserstein_distance(reference[name], values)
        else:
            names = sorted({*reference[name], *values})
            counts = [[int(np.sum(column == level)) for level in names] for column in (reference[name], values)]
            stats.chi2_contingency(counts)


def import_ms() -> float:
    modules = ", ".join(f"pipelines.{name}" for name in CHECKER)
    program = (
        f"import time, sys; begun = time.process_time(); import {modules}; took = time.process_time() - begun; "
        "assert not {'boto3', 'botocore', 'pandas', 'scipy'} & set(sys.modules); print(took * 1000)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(ran.stdout)


def _seconds(action: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    found = []
    for _ in range(repeats):
        begun = time.process_time()
        action()
        found.append(time.process_time() - begun)
    return found


def _print_ratio(name: str, mine: list[float], theirs: list[float]) -> None:
    ratio = median(theirs) / median(mine)
    print(f"{name:>24}: {median(theirs):8.3f} s, ours {median(mine):.3f} s: {ratio:,.0f} times as fast", flush=True)


PARTS = {"calibration": calibration, "silence": silence.main, "speed": speed}


def main() -> None:
    print(f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}")
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
