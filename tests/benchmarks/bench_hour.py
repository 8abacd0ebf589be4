"""Simulates an hour in which the drift checks of 1,000 models are due, each with 10 MB of captured traffic.

Measured here: the calls of one check (counted on moto) and the processor seconds of counting its traffic. Assumed, and
printed: the seconds of a function's start and of an answer of AWS (``infra/cost/usage.py``), and the rate at which S3
is read. EventBridge Scheduler spreads the calls over its flexible window; the simulation takes a stable offset by the
model's name, and compares it with all at once. Lambda queues what exceeds the account's concurrency.

Run by hand or by ``make bench``: ``python -m tests.benchmarks.bench_hour``.
"""

import heapq
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from infra.components.schedule import spread_minutes
from infra.cost.prices import DEFAULT_REGION, Prices
from infra.cost.usage import CALLS, SECONDS_PER_REQUEST
from infra.functions import FUNCTIONS
from pipelines.aws.s3 import ListedObject
from pipelines.monitoring.capture.listing import batches
from pipelines.monitoring.drift.counting import WindowCounts, count
from pipelines.statistics.baseline import Baseline
from tests.benchmarks.bench_capture import BYTES, HOUR, RECORDS_PER_FILE, Folder, reference, write
from tests.support.captured import FOLDER, calls_of, check, put, record, register, rows
from tests.support.world import ENVIRONMENT, new_world

MODELS = 1000
CAPTURED_MB = 10
DOWNLOAD_MB_S = 75
"""Assumed rate at which one function reads from S3."""
MB_PER_PROCESSOR = 1769
"""Memory with which a function has one whole processor, by the Lambda developer guide."""
RUNS = 3
PARAMETER_READS = ("GetParameter", "GetParameters", "GetParametersByPath")
QUOTAS = {"Parameter Store reads": 40, "S3 reads": 5500, "S3 writes and lists": 3500}
"""Calls a second: of an account and region, and of one prefix of a bucket."""
CONCURRENCY = (10, 1000)
"""Functions that run at once in a new account, and by default."""


def counted_calls() -> Counter[str]:
    """Return the calls of one check of a window with traffic, by operation."""
    with new_world() as world:
        register(world, rows(2000))
        per_file = 200
        for number in range(5):
            lines = [record(rows(20), event_id=f"{number}-{line}") for line in range(per_file)]
            put(world, f"{number}.jsonl", *lines, folder=FOLDER)
        return calls_of(world, lambda: check(world))


def counting_s() -> float:
    """Return the least processor seconds of counting the captured traffic of one model."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, RECORDS_PER_FILE)
        baseline = reference(folder)
        files = [ListedObject(key=path.name, size_bytes=path.stat().st_size, etag="") for path in folder.iterdir()]
        seconds = []
        for _ in range(RUNS):
            begun = time.process_time()
            counted = WindowCounts(profile=baseline.empty())
            for batch in batches(files):
                found = count(Folder(folder), batch, HOUR, Baseline(profile=baseline), print)  # type: ignore[arg-type]
                counted = counted.merge(found)
            seconds.append(time.process_time() - begun)
    return min(seconds) * CAPTURED_MB * 1e6 / (RECORDS_PER_FILE * BYTES)


@dataclass(frozen=True, kw_only=True)
class Hour:
    """The result of one simulated hour; delays and ends are seconds after the time at which all checks are due."""

    last_end_s: float
    longest_wait_s: float
    most_at_once: int
    peak: dict[str, float]


def offsets(spread_s: float) -> list[float]:
    digests = (sha256(f"model-{number}".encode()).digest()[:4] for number in range(MODELS))
    return sorted(int.from_bytes(digest) / 2**32 * spread_s for digest in digests)


def simulate(starts: Sequence[float], seconds: float, concurrency: int, calls: dict[str, float]) -> Hour:
    """Run the checks in order, at most ``concurrency`` at once; each makes its calls evenly over its seconds."""
    running: list[float] = []
    made: dict[str, Counter[int]] = {name: Counter() for name in calls}
    last = wait = 0.0
    most = 0
    for start in starts:
        while running and running[0] <= start:
            heapq.heappop(running)
        begun = start if len(running) < concurrency else heapq.heappop(running)
        heapq.heappush(running, begun + seconds)
        most, last, wait = max(most, len(running)), max(last, begun + seconds), max(wait, begun - start)
        for name, number in calls.items():
            for second in range(int(seconds) + 1):
                share = min(1.0, seconds - second) / seconds
                made[name][int(begun) + second] += number * share  # type: ignore[assignment]
    peak = {name: float(max(found.values())) for name, found in made.items()}
    return Hour(last_end_s=last, longest_wait_s=wait, most_at_once=most, peak=peak)


def cost_usd(calls: Counter[str], seconds: float, memory_mb: int) -> float:
    """Return the list price of the hour's checks in us-east-1."""
    prices, idle = Prices.load(), CALLS["drift-check"]
    units = {
        "function_gb_s": seconds * memory_mb / 1024,
        "function_request": 1,
        "schedule_call": 1,
        "list_request": calls["ListObjectsV2"] + calls["PutObject"],
        "get_request": calls["GetObject"],
        "table_read": idle.table_read_units,
        "table_write": calls["PutItem"] + calls["UpdateItem"],
        "log_gb": idle.log_bytes / 1e9,
        "key_request": idle.key_requests,
    }
    priced = [(quantity, prices.find(unit, DEFAULT_REGION)) for unit, quantity in units.items()]
    return MODELS * sum(quantity * price.usd for quantity, price in priced if price)


def main() -> None:
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION=ENVIRONMENT.region
    )
    memory_mb = next(spec.memory_mb for spec in FUNCTIONS if spec.name == "drift_check")
    calls, cpu_s = counted_calls(), counting_s()
    start_s = CALLS["drift-check"].start_s
    waits_s, download_s = calls.total() * SECONDS_PER_REQUEST, CAPTURED_MB / DOWNLOAD_MB_S
    seconds = start_s + waits_s + download_s + cpu_s / min(1.0, memory_mb / MB_PER_PROCESSOR)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; least of {RUNS} runs of {cpu_s:.2f} CPU seconds"
    )
    print(f"calls of one check: {dict(sorted(calls.items()))}")
    print(
        f"one check: {seconds:.1f} s = start {start_s} (assumed) + {calls.total()} calls x {SECONDS_PER_REQUEST} s "
        f"(assumed) + {CAPTURED_MB} MB at {DOWNLOAD_MB_S} MB/s (assumed) + counting {cpu_s:.2f} s (measured)"
    )
    rates = {
        "Parameter Store reads": float(sum(calls[name] for name in PARAMETER_READS)),
        "S3 reads": float(calls["GetObject"]),
        "S3 writes and lists": float(calls["PutObject"] + calls["ListObjectsV2"]),
        "SageMaker reads": float(calls["DescribeModelPackage"]),
        "DynamoDB calls": float(calls["Query"] + calls["GetItem"] + calls["PutItem"] + calls["UpdateItem"]),
    }
    minutes = spread_minutes("rate(1 hour)")
    print(f"{MODELS:,} checks cost ${cost_usd(calls, seconds, memory_mb):.3f} an hour at list price")
    print(f"{'spread':>8} {'functions':>10} {'at once':>8} {'last ends':>10} {'waits':>8}  most calls a second (quota)")
    for spread in (0, minutes):
        for concurrency in CONCURRENCY:
            hour = simulate(offsets(60.0 * spread), seconds, concurrency, rates)
            peaks = ", ".join(
                f"{name} {rate:.1f}" + (f" ({QUOTAS[name]:,})" if name in QUOTAS else "")
                for name, rate in hour.peak.items()
            )
            ended, waited = f"{hour.last_end_s:.0f} s", f"{hour.longest_wait_s:.0f} s"
            print(f"{spread:>5} min {concurrency:>10,} {hour.most_at_once:>8,} {ended:>10} {waited:>8}  {peaks}")


if __name__ == "__main__":
    main()
