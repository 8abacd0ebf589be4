"""Writes CloudWatch metrics as a line of the function's log, in the embedded metric format."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from pipelines.interface.metrics import NAMESPACE, Metric


def metrics_line(about: Mapping[str, str], dimensions: Mapping[str, str], metrics: Mapping[Metric, float]) -> str:
    """Return one JSON line that CloudWatch Logs turns into metrics of now; ``about`` are further fields of the line.

    The time is that of writing, not of the window: alarms look at the newest periods only, CloudWatch drops values
    older than two weeks, and labels can come weeks after their window.

    Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "None"} for name in metrics],
    }
    header = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": header, **about, **dimensions, **metrics})
