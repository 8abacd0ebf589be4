"""Measures the reading of captured traffic: records per second on one core, and memory by size of the window.

Run by hand or by ``make bench``: ``python -m tests.benchmarks.bench_capture [records ...]``. Each window is a folder of
files of 558-byte records (one row of 15 columns and its header, a prediction), counted on a baseline in a process of
its own, as the drift check's function does without S3's transport.
"""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

import boto3
import msgspec
import numpy as np

from pipelines.aws.s3 import ListedObject
from pipelines.monitoring.capture.listing import batches
from pipelines.monitoring.capture.records import Record, rows_of
from pipelines.monitoring.capture.window import Window
from pipelines.monitoring.drift.counting import WindowCounts, count
from pipelines.statistics.baseline import Baseline
from pipelines.statistics.profile import Profile

SIZES = (200_000, 2_000_000)
RECORDS_PER_FILE = 50_000
RUNS = 3
HOUR = Window(begin=datetime(2026, 3, 1, 11, tzinfo=UTC), end=datetime(2026, 3, 1, 12, tzinfo=UTC))
CATEGORIES = {"carrier": ["AA", "B6", "DL", "EV", "UA"], "origin": ["EWR", "JFK", "LGA"], "dest": ["ATL", "LAX", "SFO"]}
NUMBERS = {
    "distance": "{:.0f}", "departure_minute": "{:.0f}", "arrival_minute": "{:.0f}", "day_of_week": "{:.0f}",
    "temp": "{:.2f}", "dewp": "{:.2f}", "humid": "{:.2f}", "wind_dir": "{:.0f}", "wind_speed": "{:.5f}",
    "precip": "{:.1f}", "pressure": "{:.1f}", "visib": "{:.1f}",
}  # fmt: skip
BYTES, MARK_BYTES = 558, 4


class Folder:
    """Fake bucket with the files of a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, key: str) -> Any:
        return Body((self._path / key).open("rb"))


class Body:
    def __init__(self, file: BufferedReader) -> None:
        self._file = file

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        with self._file:
            while block := self._file.read(size):
                yield block


def line(chosen: random.Random) -> bytes:
    """Return one record. With line end and a file's mark it has ``BYTES`` bytes: spaces pad its content type."""
    values = [chosen.choice(some) for some in CATEGORIES.values()]
    values += [form.format(chosen.gauss(500, 100)) for form in NUMBERS.values()]
    body = f"{','.join([*CATEGORIES, *NUMBERS])}\n{','.join(values)}"
    moment = f"2026-03-01T11:{chosen.randrange(60):02}:{chosen.randrange(60):02}Z"
    about = {"eventId": str(uuid.UUID(int=chosen.getrandbits(128))), "inferenceTime": moment}

    def of(kind: str) -> bytes:
        given = {"observedContentType": "text/csv", "mode": "INPUT", "data": body, "encoding": "CSV"}
        answered = {"observedContentType": kind, "mode": "OUTPUT", "data": f"{chosen.random():.6f}", "encoding": "CSV"}
        captured = {"endpointInput": given, "endpointOutput": answered}
        record = {"captureData": captured, "eventMetadata": about, "eventVersion": "0"}
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"

    return of("text/csv" + " " * max(0, BYTES - MARK_BYTES - len(of("text/csv"))))


def write(folder: Path, records: int) -> None:
    """Write files that differ in their ids only: making other values would take longer than reading them."""
    chosen = random.Random(0)
    lines = [line(chosen) for _ in range(RECORDS_PER_FILE)]
    for number in range(records // RECORDS_PER_FILE):
        body = b"".join(lines).replace(b'"eventId":"', b'"eventId":"%04x' % number)
        (folder / f"{number:05}.jsonl").write_bytes(body)


def reference(folder: Path) -> Profile:
    """Return the profile of the first records, for a baseline."""
    with next(iter(sorted(folder.iterdir()))).open("rb") as file:
        tables = []
        for _, text in zip(range(2000), file, strict=False):
            table, predictions = rows_of(msgspec.json.decode(text, type=Record))
            tables.append({**{name: table[name] for name in CATEGORIES}, "prediction": predictions})
            tables[-1].update({name: [float(value) for value in table[name]] for name in NUMBERS})
    return Profile.of(tables, categories=list(CATEGORIES))


def measure(folder: Path) -> None:
    """Print rows, wall seconds, processor seconds and peak memory of this process, which also has an S3 client."""
    boto3.client("s3", region_name="us-east-1")
    baseline = reference(folder)
    files = [ListedObject(key=path.name, size_bytes=path.stat().st_size, etag="") for path in sorted(folder.iterdir())]
    wall, processor = time.perf_counter(), time.process_time()
    counted = WindowCounts(profile=baseline.empty())
    for batch in batches(files):
        counted = counted.merge(count(Folder(folder), batch, HOUR, Baseline(profile=baseline), print))  # type: ignore[arg-type]
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(json.dumps([counted.profile.rows, wall, processor, peak_mb()]))


def peak_mb() -> float:
    """Return the peak memory of this process in MB; ``getrusage`` would include that of its parent before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def main(sizes: tuple[int, ...]) -> None:
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, msgspec {msgspec.__version__}, "
        f"{os.cpu_count()} cores, medians of {RUNS}"
    )
    print(f"{'records':>10} {'MB':>7} {'records/s':>11} {'a CPU second':>13} {'peak MB':>8}")
    for records in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, records)
            size = sum(path.stat().st_size for path in folder.iterdir())
            command = [sys.executable, "-m", __spec__.name, "--measure", name]
            runs = [json.loads(subprocess.check_output(command, text=True)) for _ in range(RUNS)]
        assert all(rows == records for rows, *_ in runs), runs
        wall, processor, peak = (statistics.median(run[part] for run in runs) for part in (1, 2, 3))
        print(
            f"{records:>10,} {size / 1e6:>7,.0f} {records / wall:>11,.0f} {records / processor:>13,.0f} {peak:>8,.0f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES)
