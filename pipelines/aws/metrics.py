"""Writes CloudWatch metrics as a line of the function's log, in the embedded metric format."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from pipelines.interface.metrics import DIMENSION, NAMESPACE, Metric
from pipelines.interface.names import Environment


def write_metrics(environment: Environment, metrics: Mapping[Metric, int], **about: str) -> None:
    """Print one JSON line that CloudWatch Logs turns into metrics of now; ``about`` are further fields of the line.

    Metrics of zero are left out, and a line without metrics. The time is that of writing, not of the window: CloudWatch
    drops values older than two weeks, and labels can come weeks after their window.

    Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
    """
    counted = {name: value for name, value in metrics.items() if value}
    if not counted:
        return
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counted],
    }
    header = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": header, **about, DIMENSION: environment.id, **counted}))
