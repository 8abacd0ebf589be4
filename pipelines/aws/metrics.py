"""CloudWatch metrics as one line of the function's log: the embedded metric format."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from pipelines.interface.names import NAMESPACE


def metrics_line(about: Mapping[str, str], dimensions: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """One JSON line that CloudWatch Logs turns into metrics of this moment; ``about`` stands beside them.

    They carry the time at which they are told: an alarm looks at the newest periods only, CloudWatch drops what is
    older than two weeks, and labels make a window's quality known weeks later.

    Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "None"} for name in metrics],
    }
    told = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": told, **about, **dimensions, **metrics})
