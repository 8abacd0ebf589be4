"""The commands check traffic, download its report and measure labels, each under the persona that may."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from mooring.demo import traffic
from mooring.demo.chapters import MODEL
from mooring.deployed import DeployedEnvironment
from mooring.traffic import ROWS_PER_REQUEST, send
from pipelines.models import flights
from tests.local.loop.test_commands import run, run_json

EVERY = 12
"""Step between the flights of January and February that are sent. The champion was trained on them: no drift."""
FLUSHED_AFTER_S = 10


def sent_and_labelled() -> tuple[str, list[str], str]:
    """Return header and rows of requests, and a file of their labels."""
    header, rows, labels = "", list[str](), ["inference_id,row,label"]
    for month in (1, 2):
        header, all_rows = traffic.month_requests(month)
        late = flights.month_rows(month)["late"]
        for number in range(0, len(all_rows), EVERY):
            if not pd.isna(label := late.iloc[number]):
                at = len(rows)
                labels.append(f"sample-{at // ROWS_PER_REQUEST},{at % ROWS_PER_REQUEST},{label}")
                rows.append(all_rows[number])
    return header, rows, "\n".join(labels)


def test_traffic_is_checked_reported_and_measured(arrivals: DeployedEnvironment, tmp_path: Path) -> None:
    name, (header, rows, labels) = arrivals.environment.id, sent_and_labelled()
    hours = {f"{datetime.now(UTC):%Y-%m-%dT%H}"}
    client = arrivals.client("sagemaker-runtime", "consumer")
    send(client, arrivals.environment.model(MODEL).endpoint, header, rows, name="sample", on_request=lambda _: None)
    hours.add(f"{datetime.now(UTC):%Y-%m-%dT%H}")
    file = tmp_path / "labels.csv"
    file.write_text(labels)
    for hour in hours:
        run("labels", name, MODEL, str(file), "--hour", hour)
    end = time.monotonic() + FLUSHED_AFTER_S
    while (found := run_json("check", name, MODEL, "--window", "2h"))["rows"] < len(rows):
        assert time.monotonic() < end, found
        time.sleep(1)
    assert found["outcome"] in ("stable", "warning"), found["findings"]
    assert (found["version"], found["corrupt_records"]) == (1, 0)
    assert {segment["column"] for segment in found["segments"]} == {"origin"}
    shown: list[dict[str, Any]] = run_json("show", name, MODEL)["quality"]
    assert sum(item["rows"] for item in shown) == len(rows)
    assert all(item["outcome"] in ("held", "insufficient_labels") for item in shown)
    measured = max(shown, key=lambda item: item["rows"])["metrics"]["auc"]
    assert abs(measured - found["predictions"]["estimated_auc"]) < 0.1
    page = tmp_path / "report.html"
    assert str(page) in run("report", name, MODEL, "-o", str(page))
    assert "<svg" in page.read_text()
